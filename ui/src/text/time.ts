const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** `3 days ago`; a time under a minute away is `just now`. */
export function relative(at: string, now: number): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return "";
  const seconds = Math.round((time - now) / 1000);
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return RELATIVE.format(Math.trunc(seconds / size), unit);
  }
  return "just now";
}

const SHORT: readonly [string, number][] = [
  ["y", 365 * 86_400],
  ["mo", 30 * 86_400],
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
];

/** `3d`, for tables; under a minute `now`. */
export function age(at: string, now: number): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return "";
  const seconds = Math.max(0, (now - time) / 1000);
  for (const [unit, size] of SHORT) {
    if (seconds >= size) return `${Math.floor(seconds / size)}${unit}`;
  }
  return "now";
}

/** `2026-11-22 01:29:20 UTC`; a text that is no time is returned as it is. */
export function absolute(at: string): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return at;
  return `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** `1.4 s` between two times; empty while one is missing. */
export function duration(from: string | null | undefined, to: string | null | undefined): string {
  if (!from || !to) return "";
  const ms = Date.parse(to) - Date.parse(from);
  if (Number.isNaN(ms) || ms < 0) return "";
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** A measured time: `850 µs`, `12.4 ms`, `1.25 s`, `30 s`. */
export function micros(value: number): string {
  if (value < 999.5) return `${Math.round(value)} µs`;
  if (value < 999_500) return `${(value / 1_000).toFixed(value < 99_950 ? 1 : 0)} ms`;
  return `${value % 1_000_000 === 0 ? value / 1_000_000 : (value / 1_000_000).toFixed(2)} s`;
}

/** `2026-11-22 01:00:00 to 01:20:05 UTC`; one moment where both are within the same second. */
export function absoluteSpan(first: string, last: string): string {
  const [from, to] = [absolute(first), absolute(last)];
  if (from === to) return from;
  const sameDay = from.slice(0, 10) === to.slice(0, 10);
  return `${from.replace(" UTC", "")} to ${sameDay ? to.slice(11) : to}`;
}
