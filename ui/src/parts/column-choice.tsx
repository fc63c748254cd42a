// Which columns of a list are shown: a choice that this browser remembers.

import { useState } from "react";
import { recall, remember } from "../app/memory";
import type { Column } from "./grid";
import { Icon } from "./icon";
import { Popover } from "./popover";

/** Ids of the columns that were switched off in the list of this name. */
export function useHiddenColumns(list: string): [readonly string[], (hidden: readonly string[]) => void] {
  const key = `columns.${list}`;
  const [hidden, setHidden] = useState<readonly string[]>(() => recall(key)?.split(",") ?? []);
  return [
    hidden,
    (next) => {
      remember(key, next.length > 0 ? next.join(",") : null);
      setHidden(next);
    },
  ];
}

/** A column that leads a row names it, and stays. */
export function ColumnChoice<T>({
  columns,
  hidden,
  onChange,
}: {
  columns: readonly Column<T>[];
  hidden: readonly string[];
  onChange: (hidden: readonly string[]) => void;
}) {
  const free = columns.filter((column, index) => index > 1 && column.title !== "");
  if (free.length === 0) return null;
  return (
    <div className="only-wide-tools">
      <Popover
        label="Columns"
        button={
          <>
            <Icon name="columns" /> Columns
          </>
        }
      >
        {free.map((column) => (
          <label key={column.id} className="check">
            <input
              type="checkbox"
              checked={!hidden.includes(column.id)}
              onChange={() =>
                onChange(
                  hidden.includes(column.id)
                    ? hidden.filter((id) => id !== column.id)
                    : [...hidden, column.id],
                )
              }
            />
            {column.title}
          </label>
        ))}
      </Popover>
    </div>
  );
}
