// What the screens ask for, as TanStack Query options: one function per resource, keys beside their request.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { Problem, type Query, request } from "./client";
import { allRows } from "./download";
import type {
  AdvisoryStatus,
  Facets,
  FindingChange,
  FindingDetail,
  FindingGroups,
  FindingJob,
  FindingJobPreview,
  FindingRow,
  FindingSelection,
  ImageDetail,
  ImageRow,
  NewScan,
  Overview,
  PackageRow,
  Page,
  Plugin,
  PluginAction,
  PluginVersion,
  Scan,
  Session,
  SignInWays,
} from "./types";

/** Rows per request. */
const PAGE = 100;
/** A screen holds at most this many pages of a list; beyond it the way on is a narrower filter. */
export const PAGES_MAX = 50;

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return await request<Session>("/session", { signal });
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  },
});

export const signInWaysQuery = queryOptions({
  queryKey: ["sign-in-ways"],
  staleTime: 5 * 60_000,
  queryFn: ({ signal }) => request<SignInWays>("/session/ways", { signal }),
});

/** Whose session it is: what one may see, another may not. */
export const sameAs = (session: Session): string => `${session.tenant} ${session.token_name}`;

export const overviewQuery = queryOptions({
  queryKey: ["overview"],
  queryFn: ({ signal }) => request<Overview>("/overview", { signal }),
  refetchInterval: (query) => ((query.state.data?.scans_running ?? 0) > 0 ? 3_000 : 60_000),
});

export const advisoriesQuery = queryOptions({
  queryKey: ["advisories"],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }): Promise<AdvisoryStatus> => {
    try {
      const status = await request<AdvisoryStatus>("/advisories", { signal });
      return { ...status, loaded: status.loaded ?? true };
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return { loaded: false };
      throw error;
    }
  },
});

/** A list that is read page by page. */
export function pages<T>(key: readonly unknown[], path: string, query: Query, limit = PAGE) {
  return infiniteQueryOptions({
    queryKey: key,
    initialPageParam: "",
    // Coming back to the window must not move rows that somebody is reading.
    refetchOnWindowFocus: false,
    queryFn: ({ pageParam, signal }) =>
      request<Page<T>>(path, { query: { ...query, limit, cursor: pageParam }, signal }),
    getNextPageParam: (last, all) => (all.length < PAGES_MAX ? last.next || undefined : undefined),
  });
}

/** The way to look for newer rows of such a list, where the newest come first. */
export const newestOf = <T>(key: readonly unknown[], path: string, query: Query) => ({
  queryKey: key,
  newest: (signal: AbortSignal) => request<Page<T>>(path, { query: { ...query, limit: PAGE }, signal }),
});

export const findingsQuery = (query: Query) =>
  pages<FindingRow>(["findings", "list", query], "/findings", query);

export const facetsQuery = (query: Query) =>
  queryOptions({
    queryKey: ["findings", "facets", query],
    queryFn: ({ signal }) => request<Facets>("/findings/facets", { query, signal }),
    placeholderData: (previous) => previous,
  });

export const groupsQuery = (query: Query) =>
  queryOptions({
    queryKey: ["findings", "groups", query],
    queryFn: ({ signal }) => request<FindingGroups>("/findings/groups", { query, signal }),
  });

export const findingQuery = (fingerprint: string) =>
  queryOptions({
    queryKey: ["findings", "one", fingerprint],
    queryFn: ({ signal }) =>
      request<FindingDetail>(`/findings/${encodeURIComponent(fingerprint)}`, { signal }),
  });

/** A change is made only to what was seen: the version goes with it. */
export const changeFinding = (fingerprint: string, version: number, change: FindingChange) =>
  request<FindingDetail>(`/findings/${encodeURIComponent(fingerprint)}`, {
    method: "PATCH",
    body: { ...change, version },
  });

interface ManyFindings {
  filter: FindingSelection;
  change: FindingChange;
}

export const previewFindings = (many: ManyFindings) =>
  request<FindingJobPreview>("/finding-changes", { method: "POST", body: { ...many, dry_run: true } });

export const changeFindings = (many: ManyFindings) =>
  request<FindingJob>("/finding-changes", { method: "POST", body: many });

export const actOnFindingJob = (id: string, verb: "undo" | "cancel") =>
  request<FindingJob>(`/finding-changes/${encodeURIComponent(id)}/${verb}`, { method: "POST" });

/** Whether a change of many findings is under way. */
export const isUnderWay = (job: FindingJob | undefined) =>
  job === undefined || job.state === "queued" || job.state === "running";

export const findingJobQuery = (id: string) =>
  queryOptions({
    queryKey: ["finding-changes", "one", id],
    queryFn: ({ signal }) => request<FindingJob>(`/finding-changes/${encodeURIComponent(id)}`, { signal }),
    refetchInterval: (query) => (isUnderWay(query.state.data) ? 500 : false),
  });

export const imagesQuery = (query: Query) => pages<ImageRow>(["images", "list", query], "/images", query);

export const imageQuery = (id: string) =>
  queryOptions({
    queryKey: ["images", "one", id],
    queryFn: ({ signal }) => request<ImageDetail>(`/images/${encodeURIComponent(id)}`, { signal }),
  });

export const packagesQuery = (id: string, query: Query) =>
  pages<PackageRow>(["images", "packages", id, query], `/images/${encodeURIComponent(id)}/packages`, query);

/** What a page groups or compares is read as a whole, up to this many rows; beyond it the page says that there are more. */
export const WHOLE_MAX = 5_000;

/** The first rows of a list in one go, in the list's own order. */
const whole = <T>(key: readonly unknown[], path: string, query: Query) =>
  queryOptions({
    queryKey: key,
    staleTime: 60_000,
    refetchOnWindowFocus: false,
    queryFn: ({ signal }) => allRows<T>({ path, query }, signal, undefined, WHOLE_MAX),
  });

export const wholeFindingsQuery = (query: Query) =>
  whole<FindingRow>(["findings", "whole", query], "/findings", query);

export const wholePackagesQuery = (id: string) =>
  whole<PackageRow>(["images", "whole", id], `/images/${encodeURIComponent(id)}/packages`, {});

export const scansQuery = pages<Scan>(["scans", "list"], "/scans", {});

export const scanQuery = (id: string) =>
  queryOptions({
    queryKey: ["scans", "one", id],
    queryFn: ({ signal }) => request<Scan>(`/scans/${encodeURIComponent(id)}`, { signal }),
  });

export const pluginsQuery = queryOptions({
  queryKey: ["plugins", "list"],
  refetchInterval: 30_000,
  queryFn: ({ signal }) => request<Page<Plugin>>("/plugins", { signal }),
});

export const pluginQuery = (id: string) =>
  queryOptions({
    queryKey: ["plugins", "one", id],
    queryFn: ({ signal }) => request<Plugin>(`/plugins/${encodeURIComponent(id)}`, { signal }),
    refetchInterval: (query) => (query.state.data?.versions.some(underWay) ? 5_000 : 30_000),
  });

/** Whether the server is still at work on a version, so that its figures change by themselves. */
const underWay = (version: PluginVersion) =>
  ["installed", "verified", "compiled", "canary"].includes(version.state);

export const actOnPlugin = (id: string, { verb, ...body }: PluginAction) =>
  request<unknown>(`/plugins/${encodeURIComponent(id)}/${verb}`, { method: "POST", body });

export const signIn = (token: string) => request<void>("/session", { method: "POST", body: { token } });

export const signOut = () => request<void>("/session", { method: "DELETE" });

/** The key makes a retried click the same scan, not a second one. */
export const submitScan = (scan: NewScan, idempotencyKey: string) =>
  request<Scan>("/scans", { method: "POST", body: scan, headers: { "idempotency-key": idempotencyKey } });
