import { useSyncExternalStore } from "react";
import { times } from "../app/stored";
import { absolute, age, relative } from "../text/time";

// One clock for the whole page: every time on it moves together, twice a minute.
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void) {
  if (listeners.size === 0) {
    now = Date.now();
    timer = setInterval(() => {
      now = Date.now();
      for (const each of listeners) each();
    }, 30_000);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(timer);
  };
}

export function Time({ at, short = false }: { at: string | null | undefined; short?: boolean }) {
  const current = useSyncExternalStore(subscribe, () => now);
  const utc = times.use() === "utc";
  if (!at) return <span className="muted">never</span>;
  const text = short ? age(at, current) : relative(at, current);
  return (
    <time dateTime={at} title={utc ? relative(at, current) : absolute(at)}>
      {utc ? absolute(at) : text || absolute(at)}
    </time>
  );
}
