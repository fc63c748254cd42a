// What the pages about run time ask for, and ask to be done.

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { API, type Query, queryString, request } from "./client";
import { newestOf, pages } from "./queries";
import type {
  AttackMap,
  Backtest,
  BacktestDetail,
  Detection,
  DetectionDetail,
  EventDetail,
  EventRow,
  EventSource,
  EventSources,
  IncidentChange,
  IncidentDetail,
  IncidentGraph,
  IncidentRow,
  NewBacktest,
  NewSource,
  NewSuppression,
  ProcessTree,
  Rules,
  Sensors,
  SourceToken,
  Suppression,
  Timeline,
} from "./runtime";
import type { Page } from "./types";

const at = encodeURIComponent;

/** How often figures that change by themselves are asked for again. */
const LIVE_MS = 15_000;

export const sourcesQuery = queryOptions({
  queryKey: ["runtime", "sources"],
  refetchInterval: LIVE_MS,
  queryFn: ({ signal }) => request<EventSources>("/runtime/sources", { signal }),
});

export const addSource = (source: NewSource) =>
  request<SourceToken>("/runtime/sources", { method: "POST", body: source });

export const rotateSource = (name: string) =>
  request<SourceToken>(`/runtime/sources/${at(name)}/rotate`, { method: "POST" });

export const switchSource = (name: string, on: boolean) =>
  request<EventSource>(`/runtime/sources/${at(name)}/${on ? "enable" : "disable"}`, { method: "POST" });

export const removeSource = (name: string) =>
  request<unknown>(`/runtime/sources/${at(name)}`, { method: "DELETE" });

export const sensorsQuery = queryOptions({
  queryKey: ["runtime", "sensors"],
  refetchInterval: LIVE_MS,
  queryFn: ({ signal }) => request<Sensors>("/runtime/sensors", { signal }),
});

export const eventsQuery = (query: Query) =>
  pages<EventRow>(["runtime", "events", query], "/runtime/events", query);
export const newestEvents = (query: Query) =>
  newestOf<EventRow>(["runtime", "events", query], "/runtime/events", query);

export const eventQuery = (id: string) =>
  queryOptions({
    queryKey: ["runtime", "event", id],
    queryFn: ({ signal }) => request<EventDetail>(`/runtime/events/${at(id)}`, { signal }),
  });

export const processTreeQuery = (id: string) =>
  queryOptions({
    queryKey: ["runtime", "process-tree", id],
    queryFn: ({ signal }) => request<ProcessTree>(`/runtime/events/${at(id)}/process-tree`, { signal }),
  });

export const detectionsQuery = (query: Query) =>
  pages<Detection>(["runtime", "detections", query], "/runtime/detections", query);
export const newestDetections = (query: Query) =>
  newestOf<Detection>(["runtime", "detections", query], "/runtime/detections", query);

export const detectionQuery = (id: string) =>
  queryOptions({
    queryKey: ["runtime", "detection", id],
    queryFn: ({ signal }) => request<DetectionDetail>(`/runtime/detections/${at(id)}`, { signal }),
  });

export const rulesQuery = (days: string) =>
  queryOptions({
    queryKey: ["runtime", "rules", days],
    queryFn: ({ signal }) => request<Rules>("/runtime/rules", { query: { days }, signal }),
    placeholderData: keepPreviousData,
  });

export const suppressionsQuery = queryOptions({
  queryKey: ["runtime", "suppressions"],
  queryFn: ({ signal }) => request<{ items: Suppression[] }>("/runtime/suppressions", { signal }),
});

export const addSuppression = (suppression: NewSuppression) =>
  request<Suppression>("/runtime/suppressions", { method: "POST", body: suppression });

export const endSuppression = (id: string) =>
  request<Suppression>(`/runtime/suppressions/${at(id)}/end`, { method: "POST" });

/** Backtests that are not over change by themselves, within seconds. */
const UNDER_WAY_MS = 1_500;

export const backtestsQuery = queryOptions({
  queryKey: ["runtime", "backtests"],
  queryFn: ({ signal }) => request<Page<Backtest>>("/backtests", { signal }),
  refetchInterval: (query) => (query.state.data?.items.some(isUnderWay) ? UNDER_WAY_MS : LIVE_MS),
});

export const backtestQuery = (id: string) =>
  queryOptions({
    queryKey: ["runtime", "backtests", id],
    queryFn: ({ signal }) => request<BacktestDetail>(`/backtests/${at(id)}`, { signal }),
    refetchInterval: (query) => (query.state.data && !isUnderWay(query.state.data) ? false : UNDER_WAY_MS),
  });

export const isUnderWay = (backtest: Backtest): boolean =>
  backtest.state === "queued" || backtest.state === "running";

export const submitBacktest = (backtest: NewBacktest) =>
  request<Backtest>("/backtests", { method: "POST", body: backtest });

export const cancelBacktest = (id: string) =>
  request<object>(`/backtests/${at(id)}/cancel`, { method: "POST" });

export const incidentsQuery = (query: Query) =>
  pages<IncidentRow>(["incidents", "list", query], "/incidents", query);
export const newestIncidents = (query: Query) =>
  newestOf<IncidentRow>(["incidents", "list", query], "/incidents", query);

/** Incidents that nobody has begun to look at, as many as one answer holds. */
export const openIncidentsQuery = queryOptions({
  queryKey: ["incidents", "open"],
  refetchInterval: 60_000,
  queryFn: ({ signal }) =>
    request<Page<IncidentRow>>("/incidents", { query: { status: "open", limit: TOLD_MAX }, signal }),
});

/** Where counting by rows ends. */
export const TOLD_MAX = 500;

export const incidentQuery = (id: string) =>
  queryOptions({
    queryKey: ["incidents", "one", id],
    refetchInterval: LIVE_MS,
    queryFn: ({ signal }) => request<IncidentDetail>(`/incidents/${at(id)}`, { signal }),
  });

export const timelineQuery = (id: string) =>
  queryOptions({
    queryKey: ["incidents", "timeline", id],
    refetchInterval: LIVE_MS,
    queryFn: ({ signal }) => request<Timeline>(`/incidents/${at(id)}/timeline`, { signal }),
  });

export const incidentGraphQuery = (id: string) =>
  queryOptions({
    queryKey: ["incidents", "graph", id],
    queryFn: ({ signal }) => request<IncidentGraph>(`/incidents/${at(id)}/graph`, { signal }),
  });

/** Only what was seen is changed: another change in between is a refusal, not an overwriting. */
export const changeIncident = (id: string, version: number, change: IncidentChange) =>
  request<IncidentDetail>(`/incidents/${at(id)}`, { method: "PATCH", body: { ...change, version } });

export const attackMapQuery = (query: Query) =>
  queryOptions({
    queryKey: ["attack-map", query],
    queryFn: ({ signal }) => request<AttackMap>("/attack-map", { query, signal }),
    placeholderData: keepPreviousData,
  });

/** Where the layer for the ATT&CK Navigator is downloaded from. */
export const navigatorAddress = (platform: string | undefined): string =>
  `${API}/attack-map/navigator${queryString({ platform })}`;
