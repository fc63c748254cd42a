// Rows that are picked out, and what can be done with all of them.

import { type ReactNode, useState } from "react";
import { type Format, save } from "../api/download";
import { counted } from "../text/number";
import { CopyButton } from "./copy";
import { Icon } from "./icon";

export interface Selection {
  ids: ReadonlySet<string>;
  /** Picks a row, or takes it out; with `reach`, every row from the last one picked to it. */
  toggle: (index: number, reach: boolean) => void;
  /** All loaded rows, or none if all are. */
  all: () => void;
  clear: () => void;
}

export function useSelection<T>(rows: readonly T[], rowId: (row: T) => string): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const [last, setLast] = useState(-1);
  return {
    ids,
    toggle: (index, reach) => {
      const from = reach && last >= 0 ? Math.min(last, index) : index;
      const to = reach && last >= 0 ? Math.max(last, index) : index;
      const touched = rows.slice(from, to + 1).map(rowId);
      const next = new Set(ids);
      const row = rows[index];
      const adding = row !== undefined && !ids.has(rowId(row));
      for (const id of touched) {
        if (adding) next.add(id);
        else next.delete(id);
      }
      setIds(next);
      setLast(index);
    },
    all: () => setIds(rows.every((row) => ids.has(rowId(row))) ? new Set() : new Set(rows.map(rowId))),
    clear: () => setIds(new Set()),
  };
}

/** Stands above the rows while some are selected. */
export function SelectionBar<T>({
  rows,
  rowId,
  selection,
  one,
  many,
  children,
}: {
  rows: readonly T[];
  rowId: (row: T) => string;
  selection: Selection;
  one: string;
  many: string;
  children?: ((chosen: T[]) => ReactNode) | undefined;
}) {
  const chosen = rows.filter((row) => selection.ids.has(rowId(row)));
  // What was done to rows may take them out of the view; what became of it, and the way back, stay.
  if (selection.ids.size === 0) return null;
  const gone = selection.ids.size - chosen.length;
  const take = (format: Format) => save(many, format, { rows: chosen, cut: false });
  return (
    <section className="selection" aria-label="Selected rows">
      <strong role="status">
        {counted(chosen.length, one, many)} selected{gone > 0 && `, ${gone} no longer in this view`}
      </strong>
      {children?.(chosen)}
      <CopyButton value={chosen.map(rowId).join("\n")} label="Copy ids" shown />
      <button type="button" className="button small" onClick={() => take("csv")}>
        CSV
      </button>
      <button type="button" className="button small" onClick={() => take("ndjson")}>
        NDJSON
      </button>
      <button type="button" className="button ghost small" onClick={selection.clear}>
        <Icon name="close" /> Select none
      </button>
    </section>
  );
}
