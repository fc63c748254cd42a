// A change of many things, one after the other: which took, which somebody else had changed meanwhile, which failed; and
// the way back.

export interface Outcome<T> {
  /** Before and after, for the way back. */
  done: { before: T; after: T }[];
  /** Somebody has changed it since it was read. */
  stale: T[];
  failed: { row: T; why: string }[];
}

/** Changes each row by itself. `isStale` knows the refusal of a change to what has been changed meanwhile. */
export async function changeEach<T>(
  rows: readonly T[],
  change: (row: T) => Promise<T>,
  isStale: (cause: unknown) => boolean,
  signal?: AbortSignal,
): Promise<Outcome<T>> {
  const outcome: Outcome<T> = { done: [], stale: [], failed: [] };
  for (const row of rows) {
    if (signal?.aborted) break;
    try {
      outcome.done.push({ before: row, after: await change(row) });
    } catch (cause) {
      if (isStale(cause)) outcome.stale.push(row);
      else outcome.failed.push({ row, why: cause instanceof Error ? cause.message : String(cause) });
    }
  }
  return outcome;
}
