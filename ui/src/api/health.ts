// What is asked to tell how this installation does. Each part is asked for by itself: one that fails is a line, not a
// blank page.

import { queryOptions, useQueries } from "@tanstack/react-query";
import { Problem, request } from "./client";
import { clustersQuery } from "./posture-queries";
import { advisoriesQuery, overviewQuery, pluginsQuery } from "./queries";
import { killSwitchQuery } from "./respond-queries";
import type { EventSource, Sensors } from "./runtime";
import { sensorsQuery, sourcesQuery } from "./runtime-queries";
import type { AdvisoryStatus, Overview, Page, Plugin, Scan } from "./types";

export interface Followed {
  state: string;
  code: string | null;
  reason: string | null;
}

/** Absent: the server did not tell. */
export interface HealthFacts {
  advisories?: AdvisoryStatus | undefined;
  overview?: Overview | undefined;
  scans?: readonly Pick<Scan, "state">[] | undefined;
  sensors?: Pick<Sensors, "seeing" | "blind" | "silent"> | undefined;
  sources?: readonly Pick<EventSource, "disabled" | "drops" | "problems">[] | undefined;
  plugins?: readonly Pick<Plugin, "state" | "denials">[] | undefined;
  followers?: readonly Followed[] | undefined;
  stops?: readonly { playbook: string }[] | undefined;
}

/** How many of the latest scans tell how scans go. */
const LATEST = 50;

const latestScansQuery = queryOptions({
  queryKey: ["scans", "latest"],
  refetchInterval: 30_000,
  queryFn: ({ signal }) => request<Page<Scan>>("/scans", { query: { limit: LATEST }, signal }),
});

/** `/readyz`, which needs no token: whether work is taken, and if not, why. */
export const readinessQuery = queryOptions({
  queryKey: ["readiness"],
  refetchInterval: 15_000,
  queryFn: async ({ signal }): Promise<{ ready: boolean; why: string }> => {
    try {
      await request<unknown>("/readyz", { signal, root: true });
      return { ready: true, why: "" };
    } catch (error) {
      if (error instanceof Problem && error.status === 503)
        return { ready: false, why: error.detail || error.message };
      throw error;
    }
  },
});

export function useHealth(): { facts: HealthFacts; pending: boolean } {
  const asked = useQueries({
    queries: [
      advisoriesQuery,
      overviewQuery,
      latestScansQuery,
      sensorsQuery,
      sourcesQuery,
      pluginsQuery,
      clustersQuery,
      killSwitchQuery,
    ],
  });
  const [advisories, overview, scans, sensors, sources, plugins, clusters, stops] = asked;
  return {
    pending: asked.some((each) => each.isPending),
    facts: {
      advisories: advisories.data,
      overview: overview.data,
      scans: scans.data?.items,
      sensors: sensors.data,
      sources: sources.data?.items,
      plugins: plugins.data?.items,
      followers: clusters.data?.followers,
      stops: stops.data?.items,
    },
  };
}
