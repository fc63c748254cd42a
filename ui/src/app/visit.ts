// When somebody was last here, so that what has come since can be marked.

import { recall, remember } from "./memory";

/** Looking again within this time is the same visit. */
const SAME_VISIT_MS = 30 * 60_000;

interface Visits {
  /** The end of the visit before this one. */
  before: number;
  /** The latest sign of this one. */
  latest: number;
}

/** The visits as they are at this moment. `stored` is `BEFORE LATEST` in milliseconds; anything else is no visit. */
export function visitsAt(stored: string | null, now: number): Visits {
  const [before = Number.NaN, latest = Number.NaN] = (stored ?? "").split(" ").map(Number);
  if (!Number.isFinite(before) || !Number.isFinite(latest) || latest > now)
    return { before: now, latest: now };
  return now - latest > SAME_VISIT_MS ? { before: latest, latest: now } : { before, latest: now };
}

const KEY = "visits";
let known: Visits | undefined;

/** When the visit before this one ended; now, on the first one, so that nothing is called new. */
export function lastVisit(): number {
  const now = Date.now();
  known = known ? { ...known, latest: now } : visitsAt(recall(KEY), now);
  remember(KEY, `${known.before} ${known.latest}`);
  return known.before;
}
