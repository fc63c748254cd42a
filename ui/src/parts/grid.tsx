// The one table of the product: rows come from the server in pages and only those in view are in the document.
//
// It is an ARIA grid with one tab stop. The counts that assistive technology reads are those of the whole result, not
// of the rows that happen to be drawn.

import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useEffect,
  useId,
  useImperativeHandle,
  useRef,
} from "react";
import { useNarrow, usePrinting } from "../app/narrow";
import { density } from "../app/stored";
import { Icon } from "./icon";
import type { Selection } from "./selection";

/** Start fetching when this many loaded rows are left below the view. */
const AHEAD = 30;

export interface Column<T> {
  id: string;
  title: string;
  /** A CSS grid track: `120px`, `minmax(12rem, 2fr)`. */
  width: string;
  /** Where it goes when rows are cards: `lead` and `meta` share a line, `line` has its own, `hide` is left out. */
  narrow: "lead" | "meta" | "line" | "hide";
  align?: "end";
  sortable?: boolean;
  cell: (row: T) => ReactNode;
}

export interface GridHandle {
  focus: () => void;
}

interface GridProps<T> {
  label: string;
  columns: readonly Column<T>[];
  hidden?: readonly string[];
  rows: readonly T[];
  rowId: (row: T) => string;
  /** Rows of the whole result, if the server told. */
  total?: number | undefined;
  sort?: { column: string; descending: boolean } | undefined;
  onSort?: (column: string) => void;
  cursor?: number;
  onCursor?: (index: number) => void;
  onOpen?: (index: number) => void;
  opened?: string | undefined;
  /** Rows can be picked out. */
  selection?: Selection | undefined;
  hasMore?: boolean;
  loadingMore?: boolean;
  onMore?: () => void;
  /** Pixels; room for two lines needs more than the default. */
  rowHeight?: number;
  cardLines?: number;
  ref?: Ref<GridHandle>;
}

const ROW = 38;
/** One line, whatever the table has at other times. */
const COMPACT_ROW = 28;
const CARD_LINE = 22;
/** A box to tick, 24 pixels to hit. */
const SELECT_WIDTH = "24px";

const keyOf = <T,>(row: T | undefined, rowId: (row: T) => string) => row && rowId(row);

export function Grid<T extends object>(props: GridProps<T>) {
  const {
    columns,
    rows,
    rowId,
    total,
    sort,
    cursor = -1,
    hasMore = false,
    loadingMore = false,
    onMore,
    onCursor,
    onOpen,
  } = props;
  const narrow = useNarrow();
  const scroll = useRef<HTMLDivElement>(null);
  const base = useId();
  const printing = usePrinting();
  const compact = density.use() === "compact";
  const height = narrow
    ? (props.cardLines ?? 3) * CARD_LINE + (props.selection ? 28 : 20)
    : compact
      ? COMPACT_ROW
      : (props.rowHeight ?? ROW);

  const shown = columns.filter((column) => !props.hidden?.includes(column.id));
  const { selection } = props;
  const template = [...(selection ? [SELECT_WIDTH] : []), ...shown.map((column) => column.width)].join(" ");
  const before = selection ? 1 : 0;
  const picked = selection ? rows.filter((row) => selection.ids.has(rowId(row))).length : 0;

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => height,
    getItemKey: (index) => keyOf(rows[index], rowId) ?? index,
    overscan: 10,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the heights depend on the layout alone
  useEffect(() => {
    virtual.measure();
  }, [height]);

  const items = printing
    ? rows.map((_, index) => ({ index, start: 0, size: height }))
    : virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (!printing && hasMore && !loadingMore && last >= rows.length - AHEAD) onMore?.();
  }, [printing, hasMore, loadingMore, last, rows.length, onMore]);
  useEffect(() => {
    if (cursor >= 0 && cursor < rows.length) virtual.scrollToIndex(cursor, { align: "auto" });
  }, [cursor, rows.length, virtual.scrollToIndex]);

  useImperativeHandle(props.ref, () => ({ focus: () => scroll.current?.focus() }), []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== scroll.current || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((scroll.current?.clientHeight ?? 400) / height) - 2);
    const to: Record<string, number> = {
      ArrowDown: cursor + 1,
      ArrowUp: cursor - 1,
      PageDown: cursor + page,
      PageUp: cursor - page,
      Home: 0,
      End: rows.length - 1,
    };
    const target = to[event.key];
    if (target !== undefined && rows.length > 0) {
      event.preventDefault();
      onCursor?.(Math.min(rows.length - 1, Math.max(0, target)));
    } else if (event.key === " " && event.shiftKey && selection && cursor >= 0) {
      event.preventDefault();
      selection.toggle(cursor, false);
    } else if ((event.key === "Enter" || event.key === " ") && cursor >= 0 && cursor < rows.length) {
      event.preventDefault();
      onOpen?.(cursor);
    }
  };

  return (
    <div
      ref={scroll}
      className="grid"
      role="grid"
      aria-label={props.label}
      aria-rowcount={
        total === undefined ? (hasMore ? -1 : rows.length + 1) : Math.max(total, rows.length) + 1
      }
      aria-colcount={shown.length + before}
      aria-multiselectable={selection ? true : undefined}
      aria-activedescendant={items.some((item) => item.index === cursor) ? `${base}-${cursor}` : undefined}
      aria-busy={loadingMore}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" className="grid-head">
        <div role="row" aria-rowindex={1} className="grid-row" style={{ gridTemplateColumns: template }}>
          {selection && (
            <div role="columnheader" aria-colindex={1} className="cell">
              <label className="pick">
                <input
                  type="checkbox"
                  aria-label="Select all loaded rows"
                  checked={picked > 0 && picked === rows.length}
                  ref={(box) => {
                    if (box) box.indeterminate = picked > 0 && picked < rows.length;
                  }}
                  onChange={selection.all}
                />
              </label>
            </div>
          )}
          {shown.map((column, index) => {
            const sorted = sort?.column === column.id;
            return (
              <div
                key={column.id}
                role="columnheader"
                aria-colindex={index + 1 + before}
                aria-sort={
                  column.sortable
                    ? sorted
                      ? sort.descending
                        ? "descending"
                        : "ascending"
                      : "none"
                    : undefined
                }
                className={column.align === "end" ? "cell end" : "cell"}
              >
                {column.sortable ? (
                  <button
                    type="button"
                    className={sorted ? "sort on" : "sort"}
                    onClick={() => props.onSort?.(column.id)}
                  >
                    {column.title}
                    <Icon name={sorted && !sort.descending ? "up" : "down"} />
                  </button>
                ) : (
                  column.title
                )}
              </div>
            );
          })}
        </div>
      </div>
      <div role="rowgroup" className="grid-body" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          const id = rowId(row);
          const opened = props.opened === id;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the grid, which has the focus
            <div
              key={id}
              id={`${base}-${item.index}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={selection ? selection.ids.has(id) : opened || item.index === cursor}
              className={`grid-row${item.index === cursor ? " at" : ""}${opened ? " opened" : ""}${onOpen ? " opens" : ""}`}
              style={{
                gridTemplateColumns: narrow ? undefined : template,
                height: item.size,
                transform: `translateY(${item.start}px)`,
              }}
              onClick={(event) => {
                const link = (event.target as HTMLElement).closest("a, button, label");
                if (link && !link.hasAttribute("data-row")) return;
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                if (onOpen) event.preventDefault();
                onCursor?.(item.index);
                onOpen?.(item.index);
              }}
            >
              {selection && (
                <div role="gridcell" aria-colindex={1} className="cell cell-pick">
                  <label className="pick">
                    <input
                      type="checkbox"
                      tabIndex={-1}
                      aria-label={`Select row ${item.index + 1}`}
                      checked={selection.ids.has(id)}
                      // A change does not tell whether Shift was held, a click does.
                      onChange={() => undefined}
                      onClick={(event) => selection.toggle(item.index, event.shiftKey)}
                    />
                  </label>
                </div>
              )}
              {shown.map((column, index) => (
                <div
                  key={column.id}
                  role="gridcell"
                  aria-colindex={index + 1 + before}
                  className={`cell cell-${column.narrow}${column.align === "end" ? " end" : ""}`}
                >
                  {column.cell(row)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
