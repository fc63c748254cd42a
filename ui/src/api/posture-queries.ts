// What the pages about clusters ask for.

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { isAccount } from "../text/resource";
import { type Query, request } from "./client";
import type {
  AccountExposureAnswer,
  AccountWhoCanAnswer,
  AssessmentDetail,
  AssessmentRow,
  AttackAnswer,
  Clusters,
  ExposureAnswer,
  ResourceDetail,
  ResourceFacets,
  ResourceRow,
  UnusedRightsAnswer,
  WhoCanAnswer,
} from "./posture";
import { pages } from "./queries";
import type { FindingRow, Page } from "./types";

const at = encodeURIComponent;

export const clustersQuery = queryOptions({
  queryKey: ["clusters"],
  staleTime: 60_000,
  queryFn: ({ signal }) => request<Clusters>("/clusters", { signal }),
});

export const resourcesQuery = (query: Query) =>
  pages<ResourceRow>(["inventory", "list", query], "/inventory", query);

export const resourceFacetsQuery = (query: Query) =>
  queryOptions({
    queryKey: ["inventory", "facets", query],
    queryFn: ({ signal }) => request<ResourceFacets>("/inventory/facets", { query, signal }),
    placeholderData: keepPreviousData,
  });

export const resourceQuery = (id: string) =>
  queryOptions({
    queryKey: ["inventory", "one", id],
    queryFn: ({ signal }) => request<ResourceDetail>(`/inventory/${at(id)}`, { signal }),
  });

/** The most that the answers about a graph hold. */
export const ANSWERS_MAX = 500;

/** Questions of a cluster or account. */
const graph = (scope: string): string => `/${isAccount(scope) ? "accounts" : "clusters"}/${at(scope)}`;

/** Ways into an account in the words of those into a cluster. */
export const waysOf = (answer: AccountExposureAnswer): ExposureAnswer => ({
  total: answer.total,
  unknown: answer.unknown,
  workloads: answer.resources.map(({ resource, verdict, entries }) => ({
    workload: resource,
    verdict,
    entries: entries.map(({ from_port, to_port, rules, ...entry }) => ({
      ...entry,
      port: from_port,
      last_port: to_port,
      target: from_port,
      policies: rules,
    })),
  })),
});

export const exposureQuery = (scope: string) =>
  queryOptions({
    queryKey: ["graph", "exposure", scope],
    staleTime: 60_000,
    queryFn: async ({ signal }): Promise<ExposureAnswer> => {
      const asked = { query: { limit: ANSWERS_MAX }, signal };
      const path = `${graph(scope)}/exposure`;
      if (isAccount(scope)) return waysOf(await request<AccountExposureAnswer>(path, asked));
      return request<ExposureAnswer>(path, asked);
    },
  });

/** Where paths begin and end, for clusters and accounts alike. */
export interface PathQuestion {
  /** `exposed`: what comes from outside. */
  from: "exposed" | "all";
  goal?: string | undefined;
  /** The workload, identity or resource that they begin at. */
  workload?: string | undefined;
  limit: number;
}

export const attackPathsQuery = (scope: string, question: PathQuestion) =>
  queryOptions({
    queryKey: ["graph", "attack-paths", scope, question],
    staleTime: 60_000,
    queryFn: ({ signal }) => {
      const { from, workload, ...rest } = question;
      const query: Query = isAccount(scope)
        ? { ...rest, from: from === "all" ? "all" : "outside", source: workload }
        : { ...rest, from, workload };
      return request<AttackAnswer>(`${graph(scope)}/attack-paths`, { query, signal });
    },
  });

export const accountWhoCanQuery = (account: string, query: Query) =>
  queryOptions({
    queryKey: ["graph", "account-who-can", account, query],
    staleTime: 60_000,
    queryFn: ({ signal }) => request<AccountWhoCanAnswer>(`${graph(account)}/who-can`, { query, signal }),
  });

export const unusedRightsQuery = (account: string, days: number) =>
  queryOptions({
    queryKey: ["graph", "unused-rights", account, days],
    staleTime: 60_000,
    queryFn: ({ signal }) =>
      request<UnusedRightsAnswer>(`${graph(account)}/unused-rights`, {
        query: { days, limit: ANSWERS_MAX },
        signal,
      }),
  });

export const whoCanQuery = (cluster: string, query: Query) =>
  queryOptions({
    queryKey: ["clusters", "who-can", cluster, query],
    staleTime: 60_000,
    queryFn: ({ signal }) => request<WhoCanAnswer>(`/clusters/${at(cluster)}/who-can`, { query, signal }),
  });

export const assessmentsQuery = queryOptions({
  queryKey: ["compliance"],
  staleTime: 60_000,
  queryFn: ({ signal }) => request<{ items: AssessmentRow[] }>("/compliance", { signal }),
});

export const assessmentQuery = (framework: string, scope: string, scan: string | undefined) =>
  queryOptions({
    queryKey: ["compliance", "one", framework, scope, scan ?? ""],
    staleTime: 60_000,
    queryFn: ({ signal }) =>
      request<AssessmentDetail>(`/compliance/${at(framework)}/${at(scope)}`, { query: { scan }, signal }),
  });

/** The worst few findings on a resource. */
export const worstQuery = (scope: string, path: string) =>
  queryOptions({
    queryKey: ["findings", "worst", scope, path],
    queryFn: ({ signal }) =>
      request<Page<FindingRow>>("/findings", {
        query: { asset: scope, subject: path, state: "open", suppressed: "false", limit: 5 },
        signal,
      }),
  });
