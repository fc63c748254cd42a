// Where events come from, and whether the sensors behind them see.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import type { SourceToken } from "../../api/runtime";
import { sensorsQuery, sourcesQuery } from "../../api/runtime-queries";
import { SENSOR_STATES } from "../../app/search-runtime";
import { Dialog } from "../../parts/dialog";
import { Empty, Failure, Loading } from "../../parts/states";
import { count, counted } from "../../text/number";
import { sensorMeaning } from "../../text/runtime";
import { visible } from "../../text/visible";
import { SourceForm } from "./form";
import { SensorTable } from "./sensors";
import { Setup } from "./setup";
import { SourceTable } from "./table";

const route = getRouteApi("/sources");

export function SourcesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const sources = useQuery(sourcesQuery);
  const sensors = useQuery(sensorsQuery);
  const [fresh, setFresh] = useState<SourceToken | null>(null);
  const items = sources.data?.items ?? [];
  const shown = items.filter((each) => !search.source || each.name === search.source);
  const told = (sensors.data?.items ?? []).filter((each) => !search.source || each.source === search.source);
  const setup = items.find((each) => each.name === search.setup);
  const asking = search.ask === "new";
  return (
    <main className="page">
      <header className="page-head">
        <h1>Sources and sensors</h1>
        <p className="muted">
          A source is a door with a token of its own. Sensors are what sends through it, as far as its events
          name them.
        </p>
      </header>
      <div className="stack">
        <div className="toolbar">
          <p className="muted" role="status" data-testid="shown">
            {sources.data ? counted(shown.length, "source") : sources.isPending ? "Loading …" : ""}
          </p>
          {search.source && (
            <Link to="/sources" className="button ghost small">
              Show all
            </Link>
          )}
          <span className="push">
            <Link
              to="/sources"
              search={{ ...search, ask: asking ? undefined : "new" }}
              className={asking ? "button" : "button primary"}
            >
              {asking ? "Close the form" : "Add a source"}
            </Link>
          </span>
        </div>
        {asking && sources.data && (
          <SourceForm
            formats={sources.data.formats}
            onDone={(made) => {
              setFresh(made);
              void navigate({ search: {} });
            }}
          />
        )}
        {sources.isPending ? (
          <Loading rows={6} label="Loading sources" />
        ) : sources.isLoadingError ? (
          <Failure error={sources.error} retry={() => sources.refetch()} what="sources" />
        ) : shown.length === 0 ? (
          !asking && (
            <Empty
              icon="sources"
              title={search.source ? "There is no such source" : "Nothing sends events yet"}
            >
              <p>
                Add a source for each sender: Falco or Falcosidekick, Tetragon, the audit log of a cluster or
                of a cloud account. You get a token and the configuration to paste.
              </p>
              <Link to="/sources" search={{ ask: "new" }} className="button primary">
                Add a source
              </Link>
            </Empty>
          )
        ) : (
          <SourceTable items={shown} onToken={setFresh} />
        )}
        {items.length > 0 && (
          <section className="card flush" aria-labelledby="sensors">
            <div className="card-head">
              <h2 id="sensors">Sensors</h2>
              <ul className="status-links" aria-label="Filter by state">
                {SENSOR_STATES.map((state) => (
                  <li key={state}>
                    <Link
                      to="/sources"
                      search={{ ...search, sensor: search.sensor === state ? undefined : state }}
                      aria-current={search.sensor === state ? "true" : undefined}
                      title={sensorMeaning(state)}
                      data-count={`sensor:${state}`}
                    >
                      {count(
                        search.source
                          ? told.filter((each) => each.state === state).length
                          : (sensors.data?.[state] ?? 0),
                      )}{" "}
                      {state}
                    </Link>
                  </li>
                ))}
              </ul>
            </div>
            {sensors.isPending ? (
              <Loading rows={4} label="Loading sensors" />
            ) : sensors.isLoadingError ? (
              <Failure error={sensors.error} retry={() => sensors.refetch()} what="sensors" />
            ) : (
              <SensorTable
                items={told.filter((each) => !search.sensor || search.sensor.split(",").includes(each.state))}
                none={told.length === 0}
              />
            )}
          </section>
        )}
      </div>
      <Dialog
        open={fresh !== null}
        title={fresh ? `The token of ${visible(fresh.source.name)}` : ""}
        onClose={() => setFresh(null)}
      >
        {fresh && <Setup source={fresh.source} token={fresh.token} onDone={() => setFresh(null)} />}
      </Dialog>
      <Dialog
        open={setup !== undefined && fresh === null}
        title={setup ? `Configuration for ${visible(setup.name)}` : ""}
        onClose={() => void navigate({ search: (before) => ({ ...before, setup: undefined }) })}
      >
        {setup && (
          <Setup
            source={setup}
            onDone={() => void navigate({ search: (before) => ({ ...before, setup: undefined }) })}
          />
        )}
      </Dialog>
    </main>
  );
}
