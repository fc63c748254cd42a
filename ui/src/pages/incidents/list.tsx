// Incidents: what belongs together of all that sensors and rules told, the latest first.

import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback } from "react";
import type { IncidentRow } from "../../api/runtime";
import { incidentsQuery, newestIncidents } from "../../api/runtime-queries";
import { INCIDENT_STATUSES, type IncidentSearch } from "../../app/search-runtime";
import { Chips } from "../../parts/filters";
import type { Column } from "../../parts/grid";
import { Listing } from "../../parts/listing";
import { SearchField } from "../../parts/search-field";
import { SEVERITIES, SeverityBadge, severityName } from "../../parts/severity";
import { Empty } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { TimeRange } from "../../parts/time-range";
import { count } from "../../text/number";
import { assetName, incidentStatus } from "../../text/runtime";
import { Choice } from "../graph/filters";
import { BulkChange } from "./bulk";
import { StatusTag } from "./status";

const route = getRouteApi("/incidents");

const CHIPS = ["status", "severity", "assignee", "asset", "technique", "q", "from", "to"] as const;

const COLUMNS: Column<IncidentRow>[] = [
  {
    id: "severity",
    title: "Severity",
    width: "104px",
    narrow: "lead",
    cell: (row) => <SeverityBadge severity={row.severity} />,
  },
  {
    id: "title",
    title: "What is wrong",
    width: "minmax(220px, 3fr)",
    narrow: "line",
    cell: (row) => (
      <Link to="/incidents/$id" params={{ id: row.id }} className="cell-link" tabIndex={-1} data-row>
        <strong>
          <Text value={row.title} max={300} />
        </strong>
        <span className="second-line muted">
          {row.assets[0] ? <Text value={assetName(row.assets[0])} max={120} /> : "no asset is named"}
          {row.assets.length > 1 && ` and ${count(row.assets.length - 1)} more`}
        </span>
      </Link>
    ),
  },
  {
    id: "status",
    title: "Status",
    width: "164px",
    narrow: "meta",
    cell: (row) => <StatusTag incident={row} />,
  },
  {
    id: "assignee",
    title: "Assignee",
    width: "minmax(90px, 1fr)",
    narrow: "hide",
    cell: (row) =>
      row.assignee ? <Text value={row.assignee} max={80} /> : <span className="muted">nobody</span>,
  },
  {
    id: "assets",
    title: "Assets",
    width: "64px",
    narrow: "hide",
    align: "end",
    cell: (row) => count(row.assets.length),
  },
  {
    id: "detections",
    title: "Detections",
    width: "84px",
    narrow: "meta",
    align: "end",
    cell: (row) => (
      <Link to="/incidents/$id" params={{ id: row.id }} hash="timeline" tabIndex={-1}>
        {count(row.detections)}
        <span className="only-narrow"> {row.detections === 1 ? "detection" : "detections"}</span>
      </Link>
    ),
  },
  {
    id: "sources",
    title: "Sources",
    width: "68px",
    narrow: "hide",
    align: "end",
    cell: (row) => count(row.sources),
  },
  {
    id: "last",
    title: "Last seen",
    width: "104px",
    narrow: "meta",
    align: "end",
    cell: (row) => <Time at={row.last} />,
  },
];

export function IncidentsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { severity, ...rest } = search;
  const filter = { ...rest, severity_min: severity };
  const list = useInfiniteQuery(incidentsQuery(filter));
  const change = useCallback(
    (next: IncidentSearch) => void navigate({ search: (before) => ({ ...before, ...next }) }),
    [navigate],
  );
  const setText = useCallback((q: string) => change({ q: q.trim() || undefined }), [change]);
  return (
    <Listing
      head={
        <header className="page-head tight">
          <h1>Incidents</h1>
        </header>
      }
      toolbar={
        <>
          <div className="toolbar">
            <SearchField value={search.q ?? ""} onChange={setText} label="Search incidents" />
            <TimeRange range={search} onChange={({ from, to }) => change({ from, to })} />
            <Choice
              label="Status"
              value={search.status ?? ""}
              options={[
                ["", "Any"],
                [NOT_CLOSED, "Not closed"],
                ...INCIDENT_STATUSES.map((each) => [each, incidentStatus(each)] as const),
                ...(isSeveral(search.status) ? [[search.status, statusWord(search.status)] as const] : []),
              ]}
              onChange={(status) => change({ status: status || undefined })}
            />
            <Choice
              label="From severity"
              value={search.severity ?? ""}
              options={[
                ["", "Any"],
                ...SEVERITIES.slice(0, 4).map((each) => [each, severityName(each)] as const),
              ]}
              onChange={(each) => change({ severity: each || undefined })}
            />
          </div>
          <Chips names={CHIPS} search={search} word={chipWord} onChange={change} />
        </>
      }
      list={list}
      newest={newestIncidents(filter)}
      bulk={(chosen) => <BulkChange chosen={chosen} />}
      one="incident"
      columns={COLUMNS}
      rowId={(row) => row.id}
      onOpen={(row) => void navigate({ to: "/incidents/$id", params: { id: row.id } })}
      empty={<NoIncident filtered={CHIPS.some((name) => search[name] !== undefined)} />}
      cardLines={4}
    />
  );
}

/** What somebody still has to do with. */
const NOT_CLOSED = INCIDENT_STATUSES.filter((each) => each !== "closed").join(",");
const statusWord = (value: string): string =>
  value === NOT_CLOSED ? "Not closed" : value.split(",").map(incidentStatus).join(" or ");
/** Several that the choice has no word for: an address may name any. */
const isSeveral = (status: string | undefined): status is string =>
  status?.includes(",") === true && status !== NOT_CLOSED;

/** In the words of the API, nobody is `-`. */
const chipWord = (name: string, value: string): string => {
  if (name === "status") return statusWord(value);
  if (name === "severity") return `${severityName(value)} and worse`;
  return name === "assignee" && value === "-" ? "nobody" : value;
};

function NoIncident({ filtered }: { filtered: boolean }) {
  if (filtered)
    return (
      <Empty icon="filter" title="No incident matches these filters">
        <Link to="/incidents" className="button">
          Show all incidents
        </Link>
      </Empty>
    );
  return (
    <Empty title="No incident">
      <p>
        That is only as good as what is seen: look at the{" "}
        <Link to="/sources">sources of events and the sensors behind them</Link> before you call it quiet.
      </p>
      <Link to="/sources" search={{ ask: "new" }} className="button primary">
        Add a source of events
      </Link>
    </Empty>
  );
}
