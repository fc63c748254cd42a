// A list that the server filters and pages: its states, its keys, and the drawer beside it.

import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { PAGES_MAX } from "../api/queries";
import type { Page } from "../api/types";
import { useDrawerOverlay } from "../app/narrow";
import { useShortcuts } from "../app/shortcuts";
import { count, counted } from "../text/number";
import { ColumnChoice, useHiddenColumns } from "./column-choice";
import { type Column, Grid, type GridHandle } from "./grid";
import { Newer, type NewestFirst } from "./newer";
import { SelectionBar, useSelection } from "./selection";
import { Failure, Loading } from "./states";

export interface DrawerFrame {
  modal: boolean;
  position: { index: number; loaded: number } | null;
  onStep: (by: number) => void;
  onClose: () => void;
}

interface Props<T> {
  /** Title and ways; the number of rows stands under it. */
  head: ReactNode;
  toolbar?: ReactNode;
  list: UseInfiniteQueryResult<InfiniteData<Page<T>>>;
  /** One row, and many. */
  one: string;
  many?: string;
  columns: readonly Column<T>[];
  rowId: (row: T) => string;
  empty: ReactNode;
  /** Id of the open row. */
  opened?: string | undefined;
  onOpen: (row: T, beside: boolean) => void;
  onClose?: () => void;
  /** Columns that go when the drawer is open. */
  besideHidden?: readonly string[];
  /** How to look for rows that are newer than those shown. */
  newest?: NewestFirst<T>;
  /** What can be done with rows that are picked out, besides taking them along. */
  bulk?: (chosen: T[]) => ReactNode;
  drawer?: (frame: DrawerFrame) => ReactNode;
  cardLines?: number;
  rowHeight?: number;
}

export function Listing<T extends object>(props: Props<T>) {
  const { list, rowId, opened, one, many = `${one}s` } = props;
  const overlay = useDrawerOverlay();
  const grid = useRef<GridHandle>(null);
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const openAt = opened === undefined ? -1 : rows.findIndex((row) => rowId(row) === opened);
  const [cursor, setCursor] = useState(-1);
  useEffect(() => {
    if (openAt >= 0) setCursor(openAt);
  }, [openAt]);
  const open = (index: number) => {
    const row = rows[index];
    if (!row) return;
    setCursor(index);
    props.onOpen(row, opened !== undefined);
  };
  const close = () => {
    props.onClose?.();
    grid.current?.focus();
  };
  const step = (by: number) => {
    if (rows.length === 0) return;
    const next = Math.min(rows.length - 1, Math.max(0, cursor + by));
    if (opened !== undefined) open(next);
    else {
      setCursor(next);
      grid.current?.focus();
    }
  };
  const selection = useSelection(rows, rowId);
  const [hidden, setHidden] = useHiddenColumns(many);
  useShortcuts({
    j: () => step(1),
    k: () => step(-1),
    x: () => cursor >= 0 && selection.toggle(cursor, false),
    escape: () => {
      if (opened === undefined) return false;
      close();
    },
  });
  const { fetchNextPage } = list;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const beside = opened !== undefined;
  const capped = (list.data?.pages.length ?? 0) >= PAGES_MAX;
  return (
    <main className={beside ? "split with-drawer" : "split"}>
      <div className="split-main" inert={beside && overlay}>
        {props.head}
        {props.toolbar}
        <div className="list-line">
          <p className="muted list-count" role="status" data-testid="shown">
            {list.isPending
              ? "Loading …"
              : list.isLoadingError
                ? ""
                : capped
                  ? `The first ${counted(rows.length, one, many)}: narrow the filter to see the others`
                  : list.hasNextPage
                    ? `${count(rows.length)} ${many} loaded, more on scrolling`
                    : counted(rows.length, one, many)}
          </p>
          <ColumnChoice columns={props.columns} hidden={hidden} onChange={setHidden} />
        </div>
        {props.newest && <Newer of={props.newest} rows={rows} rowId={rowId} one={one} many={many} />}
        <SelectionBar rows={rows} rowId={rowId} selection={selection} one={one} many={many}>
          {props.bulk}
        </SelectionBar>
        <div className="list alone-list">
          {list.isPending ? (
            <Loading rows={12} label={`Loading ${many}`} />
          ) : list.isLoadingError ? (
            <Failure error={list.error} retry={() => list.refetch()} what={many} />
          ) : rows.length === 0 ? (
            props.empty
          ) : (
            <Grid
              ref={grid}
              label={many.charAt(0).toUpperCase() + many.slice(1)}
              columns={props.columns}
              hidden={beside && !overlay ? [...hidden, ...(props.besideHidden ?? [])] : hidden}
              rows={rows}
              rowId={rowId}
              cursor={cursor}
              onCursor={(index) => (beside ? open(index) : setCursor(index))}
              onOpen={open}
              opened={opened}
              selection={selection}
              hasMore={list.hasNextPage && !list.isFetchNextPageError}
              loadingMore={list.isFetchingNextPage}
              onMore={more}
              cardLines={props.cardLines ?? 4}
              rowHeight={props.rowHeight ?? 48}
            />
          )}
        </div>
      </div>
      {beside &&
        props.drawer?.({
          modal: overlay,
          position: openAt >= 0 ? { index: openAt, loaded: rows.length } : null,
          onStep: step,
          onClose: close,
        })}
    </main>
  );
}
