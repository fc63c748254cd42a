// All rows of a view into a file. The server has no export job yet, so the page walks the list; how far it got is said.

import { csv } from "../text/csv";
import { type Query, request } from "./client";
import type { Page } from "./types";

/** More rows than this are not held in a tab. */
export const DOWNLOAD_MAX = 50_000;
/** The most that the server gives at once. */
const PAGE = 500;

export interface Downloaded<T = unknown> {
  rows: T[];
  /** There were more. */
  cut: boolean;
}

export async function allRows<T = unknown>(
  view: { path: string; query: Query },
  signal: AbortSignal,
  onCount: (count: number) => void = () => undefined,
  most = DOWNLOAD_MAX,
): Promise<Downloaded<T>> {
  const rows: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await request<Page<T>>(view.path, {
      query: { ...view.query, limit: PAGE, cursor },
      signal,
    });
    rows.push(...page.items);
    onCount(rows.length);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && rows.length < most);
  return { rows, cut: cursor !== undefined };
}

export const FORMATS = { csv: "text/csv", ndjson: "application/x-ndjson" } as const;
export type Format = keyof typeof FORMATS;

const encoded: Record<Format, (rows: readonly unknown[]) => string> = {
  csv,
  ndjson: (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
};

/** `findings-2026-11-22T013000Z.csv`; a file that is not everything says so in its name. */
export function fileName(what: string, format: Format, cut: boolean, now: Date): string {
  const at = `${now.toISOString().slice(0, 19).replaceAll(":", "")}Z`;
  return `${what}${cut ? "-incomplete" : ""}-${at}.${format}`;
}

export function save(what: string, format: Format, { rows, cut }: Downloaded): void {
  const address = URL.createObjectURL(new Blob([encoded[format](rows)], { type: FORMATS[format] }));
  const link = document.createElement("a");
  link.href = address;
  link.download = fileName(what, format, cut, new Date());
  link.click();
  // The browser has taken hold of it by the next turn.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
