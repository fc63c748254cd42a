// What the pages about responses ask for, and ask to be done.

import { queryOptions } from "@tanstack/react-query";
import { type Query, request } from "./client";
import { pages } from "./queries";
import type { KillSwitch, LedgerCheck, LedgerRecord, Playbook, ResponseDetail, ResponseRow } from "./respond";

const at = encodeURIComponent;

export const playbooksQuery = queryOptions({
  queryKey: ["playbooks"],
  queryFn: ({ signal }) => request<{ items: Playbook[] }>("/playbooks", { signal }),
});

/** The newest runs, in one answer: the server has no further pages of them. */
export const RUNS_MAX = 500;
export const responsesQuery = (query: Query) =>
  pages<ResponseRow>(["responses", "list", query], "/responses", query, RUNS_MAX);

export const responseQuery = (id: string) =>
  queryOptions({
    queryKey: ["responses", "one", id],
    queryFn: ({ signal }) => request<ResponseDetail>(`/responses/${at(id)}`, { signal }),
    refetchInterval: (query) => (query.state.data?.phase === "over" ? false : 5_000),
  });

/** A dry run is in the answer alone: nothing of it is kept, and it has no id. */
export const startResponse = (playbook: string, incident: string, dryRun: boolean) =>
  request<ResponseDetail>("/responses", { method: "POST", body: { playbook, incident, dryRun } });

/** A decision names the plan that was looked at: a plan that has changed since is not decided about. */
export const decideResponse = (id: string, decision: { agree: boolean; digest: string; note?: string }) =>
  request<unknown>(`/responses/${at(id)}/decide`, { method: "POST", body: decision });

export const cancelResponse = (id: string, why: string) =>
  request<unknown>(`/responses/${at(id)}/cancel`, { method: "POST", body: { why } });

export const ledgerQuery = (query: Query) =>
  pages<LedgerRecord>(["responses", "ledger", query], "/responses/ledger", query);

export const ledgerCheckQuery = queryOptions({
  queryKey: ["responses", "ledger-check"],
  queryFn: ({ signal }) => request<LedgerCheck>("/responses/ledger/verify", { signal }),
});

export const killSwitchQuery = queryOptions({
  queryKey: ["kill-switch"],
  refetchInterval: 15_000,
  queryFn: ({ signal }) => request<KillSwitch>("/kill-switch", { signal }),
});

/** No reason turns it off. */
export const setKillSwitch = (playbook: string, why: string | null) =>
  request<unknown>("/kill-switch", { method: "PUT", body: { playbook, why } });
