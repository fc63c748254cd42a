import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useEffect } from "react";
import type { Cluster } from "../../api/posture";
import { clustersQuery } from "../../api/posture-queries";
import type { GraphSearch, GraphView } from "../../app/search-posture";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { counted } from "../../text/number";
import { isAccount } from "../../text/resource";
import { AccountWhoCan } from "./account-who";
import { Exposure } from "./exposure";
import { Choice } from "./filters";
import { Paths } from "./paths";
import { Unused } from "./unused";
import { WhoCan } from "./who";

const route = getRouteApi("/graph");

const VIEWS: readonly { view: GraphView; name: string }[] = [
  { view: "paths", name: "Attack paths" },
  { view: "exposure", name: "Exposure" },
  { view: "who", name: "Who can" },
];
const ACCOUNT_VIEWS: typeof VIEWS = [...VIEWS, { view: "unused", name: "Unused rights" }];

/** What the views have in common: the cluster or account, the address, and how to change it. */
export interface ViewProps {
  cluster: Cluster;
  search: GraphSearch;
  onChange: (change: GraphSearch) => void;
}

export function GraphPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const clusters = useQuery(clustersQuery);
  const change = useCallback(
    (next: GraphSearch) => void navigate({ search: (before) => ({ ...before, ...next }) }),
    [navigate],
  );
  // Clusters first: who has both comes here for them more often.
  const items = (clusters.data?.items ?? []).toSorted((a, b) => +isAccount(a.id) - +isAccount(b.id));
  const cluster = search.cluster ? items.find((each) => each.id === search.cluster) : items[0];
  // Which one is first may change: the address names it, so that a link means the same tomorrow.
  const unnamed = search.cluster === undefined && items.length > 1 ? cluster?.id : undefined;
  useEffect(() => {
    if (unnamed !== undefined)
      void navigate({ search: (before) => ({ ...before, cluster: unnamed }), replace: true });
  }, [unnamed, navigate]);
  const account = cluster !== undefined && isAccount(cluster.id);
  const views = account ? ACCOUNT_VIEWS : VIEWS;
  const view = views.find((each) => each.view === search.view)?.view ?? "paths";
  return (
    <main className="page">
      <header className="page-head">
        <h1>Attack paths</h1>
        {cluster && (
          <p className="muted">
            <Text value={cluster.name} max={200} />,{" "}
            <Link to="/inventory" search={{ scope: cluster.id }}>
              {counted(cluster.resources, "resource")}
            </Link>
            , as scanned <Time at={cluster.at} />
          </p>
        )}
      </header>
      {clusters.isPending ? (
        <Loading rows={8} label="Loading clusters" />
      ) : clusters.isLoadingError ? (
        <Failure error={clusters.error} retry={() => clusters.refetch()} what="the clusters" />
      ) : items.length === 0 ? (
        <Empty icon="graph" title="No cluster or account has been scanned yet">
          <p>
            What the internet gets to and how far an attacker gets is told from the objects of a cluster or
            the resources of an account.
          </p>
          <Link to="/scans" className="button primary">
            Scan one
          </Link>
        </Empty>
      ) : !cluster ? (
        <Empty icon="search" title="This cluster or account is not known here">
          <Link to="/graph" search={{}} className="button">
            Show another
          </Link>
        </Empty>
      ) : (
        <>
          {items.length > 1 && (
            <Choice
              label="Cluster or account"
              value={cluster.id}
              options={items.map((each) => [each.id, each.name] as const)}
              onChange={(id) => void navigate({ search: { cluster: id, view: search.view, as: search.as } })}
            />
          )}
          <nav className="tabs" aria-label={`Questions about the ${account ? "account" : "cluster"}`}>
            {views.map((each) => (
              <Link
                key={each.view}
                to="/graph"
                search={{
                  cluster: search.cluster,
                  as: search.as,
                  view: each.view === "paths" ? undefined : each.view,
                }}
                className="tab"
                activeOptions={{ exact: true }}
                activeProps={{ "aria-current": each.view === view ? "true" : undefined }}
                inactiveProps={{ "aria-current": each.view === view ? "true" : undefined }}
              >
                {each.name}
              </Link>
            ))}
          </nav>
          {view === "paths" && <Paths cluster={cluster} search={search} onChange={change} />}
          {view === "exposure" && <Exposure cluster={cluster} search={search} onChange={change} />}
          {view === "who" && !account && <WhoCan cluster={cluster} search={search} onChange={change} />}
          {view === "who" && account && <AccountWhoCan cluster={cluster} search={search} onChange={change} />}
          {view === "unused" && <Unused cluster={cluster} search={search} onChange={change} />}
        </>
      )}
    </main>
  );
}
