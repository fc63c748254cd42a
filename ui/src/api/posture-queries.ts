// What the pages about clusters ask for.

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type Query, request } from "./client";
import type {
  AssessmentDetail,
  AssessmentRow,
  AttackAnswer,
  Clusters,
  ExposureAnswer,
  ResourceDetail,
  ResourceFacets,
  ResourceRow,
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

export const exposureQuery = (cluster: string) =>
  queryOptions({
    queryKey: ["clusters", "exposure", cluster],
    staleTime: 60_000,
    queryFn: ({ signal }) =>
      request<ExposureAnswer>(`/clusters/${at(cluster)}/exposure`, { query: { limit: ANSWERS_MAX }, signal }),
  });

export const attackPathsQuery = (cluster: string, query: Query) =>
  queryOptions({
    queryKey: ["clusters", "attack-paths", cluster, query],
    staleTime: 60_000,
    queryFn: ({ signal }) =>
      request<AttackAnswer>(`/clusters/${at(cluster)}/attack-paths`, { query, signal }),
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
