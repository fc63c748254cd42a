// Reports of other tools: what came of them, and sending one.

import { queryOptions } from "@tanstack/react-query";
import { request } from "./client";
import type { JobState, ScanSummary, TargetKind } from "./types";

export interface ImportOutcome {
  format: string;
  tool: string;
  tool_version?: string | null;
  made_at?: string | null;
  targets: { asset: string; name: string; kind: TargetKind; scan: string; summary: ScanSummary }[];
  skipped: number;
  gaps: { code: string; subject: string; reason: string }[];
}

export interface ReportImport {
  id: string;
  source: string;
  by: string;
  bytes: number;
  state: JobState;
  submitted_at: string;
  outcome?: ImportOutcome | null;
  error?: { code: string; message: string } | null;
}

/** Where a report comes from, and what its sender knows of it. */
export interface ImportAsk {
  source: string;
  format?: string | undefined;
  kind?: string | undefined;
  target?: string | undefined;
}

export const waits = (one: ReportImport) => one.state === "queued" || one.state === "running";

export const importsQuery = queryOptions({
  queryKey: ["imports"],
  queryFn: ({ signal }) =>
    request<{ items: ReportImport[]; next?: string | null }>("/imports", { query: { limit: 100 }, signal }),
  refetchInterval: (query) => (query.state.data?.items.some(waits) ? 1_000 : false),
});

export const tryImport = (ask: ImportAsk, file: Blob) =>
  request<ImportOutcome>("/imports", { method: "POST", query: { ...ask, dry_run: true }, raw: file });

export const sendImport = (ask: ImportAsk, file: Blob) =>
  request<ReportImport>("/imports", { method: "POST", query: { ...ask }, raw: file });
