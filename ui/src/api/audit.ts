// The audit log.

import { queryOptions } from "@tanstack/react-query";
import { API, request } from "./client";
import type { ChainCheck } from "./posture";
import { pages } from "./queries";

export interface AuditLine {
  seq: number;
  at: string;
  actor: string;
  action: string;
  subject: string;
  detail: string;
  /** In the hash chain; lines that are older than the chain are not. */
  chained: boolean;
}

export interface AuditFilter {
  actor?: string | undefined;
  action?: string | undefined;
  subject?: string | undefined;
}

export const auditQuery = (filter: AuditFilter) =>
  pages<AuditLine>(
    ["audit", "list", filter.actor ?? "", filter.action ?? "", filter.subject ?? ""],
    "/audit",
    {
      ...filter,
    },
  );

export const auditCheckQuery = queryOptions({
  queryKey: ["audit", "verify"],
  queryFn: ({ signal }) => request<ChainCheck>("/audit/verify", { signal }),
});

export const AUDIT_FILE = `${API}/audit/export`;
