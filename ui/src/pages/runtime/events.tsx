// What sensors and audit logs told, the latest first.

import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { EventRow } from "../../api/runtime";
import { eventsQuery, newestEvents } from "../../api/runtime-queries";
import { EVENT_TEXTS, type EventSearch, KINDS } from "../../app/search-runtime";
import { AssetLink } from "../../parts/asset-link";
import { Chips } from "../../parts/filters";
import type { Column } from "../../parts/grid";
import { Icon } from "../../parts/icon";
import { Listing } from "../../parts/listing";
import { SearchField } from "../../parts/search-field";
import { SEVERITIES, severityName } from "../../parts/severity";
import { Empty } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { TimeRange } from "../../parts/time-range";
import { eventKind } from "../../text/runtime";
import { Choice } from "../graph/filters";
import { EventDrawer } from "./event-drawer";
import { RuntimeHead } from "./head";
import { EventSeverity } from "./severity";

const route = getRouteApi("/runtime");

const CHIPS = ["kind", "severity", ...EVENT_TEXTS] as const;

const COLUMNS: Column<EventRow>[] = [
  {
    id: "severity",
    title: "Severity",
    width: "104px",
    narrow: "lead",
    cell: (row) => <EventSeverity severity={row.severity} />,
  },
  {
    id: "title",
    title: "What happened",
    width: "minmax(150px, 3fr)",
    narrow: "line",
    cell: (row) => (
      <>
        <strong>
          <Text value={row.title} max={300} />
        </strong>{" "}
        {row.late && (
          <span
            className="tag warn"
            title="It came after its time was judged, so rules over several events did not see it"
          >
            Late
          </span>
        )}
        <span className="second-line muted">
          {eventKind(row.kind)}
          {row.principal && (
            <>
              {" "}
              by <Text value={row.principal} max={120} />
            </>
          )}
          {row.node && (
            <>
              {" "}
              on <Text value={row.node} max={80} />
            </>
          )}
        </span>
      </>
    ),
  },
  {
    id: "asset",
    title: "Asset",
    width: "minmax(140px, 1.6fr)",
    narrow: "line",
    cell: (row) => <AssetLink asset={row.asset} />,
  },
  {
    id: "source",
    title: "Source",
    width: "minmax(96px, 1fr)",
    narrow: "hide",
    cell: (row) => (
      <>
        <Text value={row.source} max={60} />
        <span className="second-line muted">
          <Text value={row.origin} max={40} />
        </span>
      </>
    ),
  },
  {
    id: "time",
    title: "When",
    width: "112px",
    narrow: "meta",
    align: "end",
    cell: (row) => <Time at={row.time} />,
  },
];

export function EventsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const filter = useMemo(() => {
    const { event: _event, severity, ...rest } = search;
    return { ...rest, severity_min: severity };
  }, [search]);
  const list = useInfiniteQuery(eventsQuery(filter));
  const change = useCallback(
    (next: EventSearch) => void navigate({ search: (before) => ({ ...before, event: undefined, ...next }) }),
    [navigate],
  );
  const setText = useCallback((q: string) => change({ q: q.trim() || undefined }), [change]);
  const open = (event: string | undefined, replace: boolean) =>
    void navigate({ search: (before) => ({ ...before, event }), replace });
  return (
    <Listing
      head={<RuntimeHead at="/runtime" />}
      toolbar={
        <>
          <div className="toolbar">
            <SearchField value={search.q ?? ""} onChange={setText} label="Search events" />
            <TimeRange range={search} onChange={({ from, to }) => change({ from, to })} />
            <Choice
              label="Kind"
              value={search.kind ?? ""}
              options={[["", "Any"], ...KINDS.map((kind) => [kind, eventKind(kind)] as const)]}
              onChange={(kind) => change({ kind: kind || undefined })}
            />
            <Choice
              label="From severity"
              value={search.severity ?? ""}
              options={[
                ["", "Any"],
                ...SEVERITIES.slice(0, 4).map((each) => [each, severityName(each)] as const),
              ]}
              onChange={(severity) => change({ severity: severity || undefined })}
            />
            <button
              type="button"
              className="button ghost square"
              title="Look for newer events"
              onClick={() => void list.refetch()}
            >
              <span className="sr-only">Look for newer events</span>
              <RefreshIcon busy={list.isFetching} />
            </button>
          </div>
          <Chips
            names={CHIPS}
            search={search}
            word={(name, value) =>
              name === "kind"
                ? eventKind(value)
                : name === "severity"
                  ? `${severityName(value)} and worse`
                  : value
            }
            onChange={change}
          />
        </>
      }
      list={list}
      newest={newestEvents(filter)}
      cardLines={5}
      one="event"
      columns={COLUMNS}
      besideHidden={["source", "asset"]}
      rowId={(row) => row.id}
      opened={search.event}
      onOpen={(row, beside) => open(row.id, beside)}
      onClose={() => open(undefined, false)}
      empty={<NoEvent filtered={CHIPS.some((name) => search[name] !== undefined)} />}
      drawer={(frame) => search.event && <EventDrawer id={search.event} onFilter={change} {...frame} />}
    />
  );
}

const RefreshIcon = ({ busy }: { busy: boolean }) => <Icon name="refresh" className={busy ? "spin" : ""} />;

function NoEvent({ filtered }: { filtered: boolean }) {
  if (filtered)
    return (
      <Empty icon="filter" title="No event matches these filters">
        <Link to="/runtime" className="button">
          Show all events
        </Link>
      </Empty>
    );
  return (
    <Empty icon="runtime" title="No event has come yet">
      <p>
        Add a source, and send it what Falco, Tetragon, the audit log of a cluster or of a cloud account say.
        Events show here within seconds.
      </p>
      <Link to="/sources" search={{ ask: "new" }} className="button primary">
        Add a source of events
      </Link>
    </Empty>
  );
}
