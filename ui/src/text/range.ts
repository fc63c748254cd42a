// A range of time as two moments in UTC, so that a link means the same tomorrow and elsewhere.

export interface Range {
  from?: string | undefined;
  to?: string | undefined;
}

export const PRESETS: readonly (readonly [hours: number, name: string])[] = [
  [1, "Last hour"],
  [24, "Last 24 hours"],
  [7 * 24, "Last 7 days"],
  [30 * 24, "Last 30 days"],
];

const HOUR_MS = 3_600_000;

/** From so many hours ago, to the second, with no end. */
export const lastHours = (hours: number, now: number): Range => ({
  from: `${new Date(now - hours * HOUR_MS).toISOString().slice(0, 19)}Z`,
  to: undefined,
});

/** What a field for date and time holds, which has no zone, as a moment in UTC; nothing for half of one. */
export function readMoment(field: string): string | undefined {
  const at = Date.parse(`${field}Z`);
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(field) && !Number.isNaN(at)
    ? `${new Date(at).toISOString().slice(0, 19)}Z`
    : undefined;
}

/** A moment for such a field; empty for what is none. */
export function toField(moment: string | undefined): string {
  const at = Date.parse(moment ?? "");
  return Number.isNaN(at) ? "" : new Date(at).toISOString().slice(0, 16);
}

/** Whether the end is not after the beginning, so that nothing can be in between. */
export const isBackwards = ({ from, to }: Range): boolean =>
  from !== undefined && to !== undefined && Date.parse(to) <= Date.parse(from);
