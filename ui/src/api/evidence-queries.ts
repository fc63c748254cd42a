// What the pages about exceptions and evidence ask for, and ask to be done.

import { queryOptions } from "@tanstack/react-query";
import { API, queryString, request } from "./client";
import type { ChainCheck, EvidenceRecord, Exception, NewException } from "./posture";
import { pages } from "./queries";

export const exceptionsQuery = queryOptions({
  queryKey: ["exceptions"],
  queryFn: ({ signal }) => request<{ items: Exception[] }>("/exceptions", { signal }),
});

export const addException = (exception: NewException) =>
  request<Exception>("/exceptions", { method: "POST", body: exception });

export const revokeException = (id: string) =>
  request<Exception>(`/exceptions/${encodeURIComponent(id)}/revoke`, { method: "POST" });

export const evidenceQuery = (scope: string | undefined) =>
  pages<EvidenceRecord>(["evidence", "list", scope ?? ""], "/evidence", { scope });

export const chainQuery = queryOptions({
  queryKey: ["evidence", "verify"],
  queryFn: ({ signal }) => request<ChainCheck>("/evidence/verify", { signal }),
});

/** Where the signed pack of a scope is downloaded from; times as RFC 3339. */
export const packAddress = (scope: string, from: string | undefined, to: string | undefined): string =>
  `${API}/evidence/pack${queryString({ scope, from, to })}`;
