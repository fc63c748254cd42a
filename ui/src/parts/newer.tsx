// What has come since the list was read. It waits above the rows, so that none moves under the cursor.

import { type InfiniteData, useQuery, useQueryClient } from "@tanstack/react-query";
import type { Page } from "../api/types";
import { count } from "../text/number";
import { Icon } from "./icon";

/** How often is looked. */
const LOOK_MS = 15_000;

/** The options of a list that has its newest rows first. */
export interface NewestFirst<T> {
  queryKey: readonly unknown[];
  newest: (signal: AbortSignal) => Promise<Page<T>>;
}

export function Newer<T>({
  of,
  rows,
  rowId,
  one,
  many,
}: {
  of: NewestFirst<T>;
  rows: readonly T[];
  rowId: (row: T) => string;
  one: string;
  many: string;
}) {
  const client = useQueryClient();
  const key = [...of.queryKey, "newest"];
  const head = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => of.newest(signal),
    refetchInterval: LOOK_MS,
    initialData: () => client.getQueryData<InfiniteData<Page<T>>>(of.queryKey)?.pages[0],
    initialDataUpdatedAt: Date.now(),
  });
  const known = new Set(rows.map(rowId));
  const fresh = (head.data?.items ?? []).filter((row) => !known.has(rowId(row))).length;
  const more = fresh === head.data?.items.length && Boolean(head.data.next);
  return (
    <div role="status">
      {fresh > 0 && (
        <button
          type="button"
          className="button small pill"
          onClick={() => void client.resetQueries({ queryKey: of.queryKey, exact: true })}
        >
          <Icon name="up" /> {more ? "More than " : ""}
          {count(fresh)} new {fresh === 1 ? one : many}: show
        </button>
      )}
    </div>
  );
}
