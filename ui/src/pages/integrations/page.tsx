// Where findings are told: ticketing systems, what became of each ticket, and every attempt to tell it.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { destinationsQuery } from "../../api/destinations";
import { Empty, Failure, Loading } from "../../parts/states";
import { counted } from "../../text/number";
import { DestinationForm } from "./form";
import { DestinationTable } from "./table";
import { Deliveries, Tickets } from "./tickets";

const route = getRouteApi("/integrations");

export function IntegrationsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useQuery(destinationsQuery);
  const items = list.data?.items ?? [];
  const chosen = items.find((each) => each.name === search.name);
  const asking = search.ask === "new" || (search.ask === "change" && chosen !== undefined);
  return (
    <main className="page">
      <header className="page-head">
        <h1>Integrations</h1>
        <p className="muted">
          A destination is a system that keeps a ticket for what is open here. Tickets are made once, updated,
          resolved when nothing is left of them, and reopened when it comes back.
        </p>
      </header>
      <div className="stack">
        <div className="toolbar">
          <p className="muted" role="status" data-testid="shown">
            {list.data ? counted(items.length, "destination") : list.isPending ? "Loading …" : ""}
          </p>
          <span className="push">
            <Link
              to="/integrations"
              search={asking ? { name: search.name } : { ask: "new" }}
              className={asking ? "button" : "button primary"}
            >
              {asking ? "Close the form" : "Add a destination"}
            </Link>
          </span>
        </div>
        {asking && list.data && (
          <DestinationForm
            key={search.ask === "change" ? `${chosen?.name} ${chosen?.version}` : "new"}
            before={search.ask === "change" ? chosen : undefined}
            onDone={(made) => void navigate({ search: { name: made.name } })}
          />
        )}
        {list.isPending ? (
          <Loading rows={4} label="Loading destinations" />
        ) : list.isLoadingError ? (
          <Failure error={list.error} retry={() => list.refetch()} what="destinations" />
        ) : items.length === 0 ? (
          !asking && (
            <Empty icon="link" title="Findings are told nowhere yet">
              <p>
                A destination has a filter, so that only what matters becomes a ticket, and says what one
                ticket is about: a finding, an update that mends many, or all that one person owns.
              </p>
              <Link to="/integrations" search={{ ask: "new" }} className="button primary">
                Add a destination
              </Link>
            </Empty>
          )
        ) : (
          <DestinationTable items={items} chosen={chosen?.name} />
        )}
        {chosen && (
          <>
            <Tickets key={`${chosen.name} tickets`} name={chosen.name} />
            <Deliveries key={`${chosen.name} deliveries`} name={chosen.name} />
          </>
        )}
      </div>
    </main>
  );
}
