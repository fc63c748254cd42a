// Says when the page shows what was read before the server stopped answering: old rows are better than none, but not if
// nobody knows that they are old.

import { type Query, type QueryCache, useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { Problem } from "../api/client";
import { Icon } from "../parts/icon";
import { Time } from "../parts/time";

/** Has data, and could not get newer or more of it. */
const isStale = (query: Query): boolean =>
  query.state.status === "error" && query.state.data !== undefined && query.isActive();

/** When the oldest of them was read, and why it is not newer; a text, so that equal answers are one. */
function oldest(cache: QueryCache): string {
  const stale = cache.findAll({ predicate: isStale });
  const [first] = stale.sort((a, b) => a.state.dataUpdatedAt - b.state.dataUpdatedAt);
  if (!first) return "";
  const { error, dataUpdatedAt } = first.state;
  const why = error instanceof Problem ? error.message : String(error);
  return `${new Date(dataUpdatedAt).toISOString()} ${why}`;
}

export function StaleBanner() {
  const client = useQueryClient();
  const cache = client.getQueryCache();
  const found = useSyncExternalStore(
    (listener) => cache.subscribe(listener),
    () => oldest(cache),
  );
  if (found === "") return null;
  const at = found.slice(0, found.indexOf(" "));
  return (
    <aside className="banner" aria-label="Not up to date" role="status">
      <Icon name="clock" />
      <span>
        Part of this page is as it was <Time at={at} />: {found.slice(at.length + 1)}.
      </span>
      <button
        type="button"
        className="button small"
        onClick={() => void client.refetchQueries({ predicate: isStale })}
      >
        Try again
      </button>
    </aside>
  );
}
