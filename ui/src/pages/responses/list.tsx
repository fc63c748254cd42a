// Runs of playbooks: proposed, under way, in force, and over.

import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { ResponseRow } from "../../api/respond";
import { RUNS_MAX, responsesQuery } from "../../api/respond-queries";
import type { ResponseSearch } from "../../app/search-runtime";
import { Chips } from "../../parts/filters";
import type { Column } from "../../parts/grid";
import { Listing } from "../../parts/listing";
import { Empty } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { Choice } from "../graph/filters";
import { ResponsesHead } from "./head";
import { KillBanner } from "./kill-switch";
import { Lease } from "./lease";
import { PhaseTag } from "./phase";

const route = getRouteApi("/responses");

const CHIPS = ["open", "incident", "playbook"] as const;

const COLUMNS: Column<ResponseRow>[] = [
  {
    id: "playbook",
    title: "Playbook",
    width: "minmax(160px, 1.6fr)",
    narrow: "line",
    cell: (row) => (
      <Link to="/responses/$id" params={{ id: row.id }} className="cell-link" tabIndex={-1} data-row>
        <strong>
          <Text value={row.playbook} max={80} />
        </strong>
      </Link>
    ),
  },
  {
    id: "phase",
    title: "Standing",
    width: "minmax(200px, 1.4fr)",
    narrow: "line",
    cell: (row) => (
      <span className="one-line-tags">
        <PhaseTag response={row} /> {row.leaseUntil && <Lease until={row.leaseUntil} />}
      </span>
    ),
  },
  {
    id: "approvals",
    title: "Approvals",
    width: "84px",
    narrow: "meta",
    cell: (row) => (
      <>
        {row.approvalsGiven} of {row.approvalsNeeded}
        <span className="only-narrow"> approvals</span>
      </>
    ),
  },
  {
    id: "incident",
    title: "Incident",
    width: "minmax(110px, 1fr)",
    narrow: "hide",
    cell: (row) => (
      <Link to="/incidents/$id" params={{ id: row.incident }} tabIndex={-1} className="mono">
        <Text value={row.incident.slice(0, 20)} />
      </Link>
    ),
  },
  {
    id: "by",
    title: "Started by",
    width: "minmax(90px, 1fr)",
    narrow: "hide",
    cell: (row) => <Text value={row.startedBy} max={80} />,
  },
  {
    id: "at",
    title: "Begun",
    width: "104px",
    narrow: "meta",
    align: "end",
    cell: (row) => <Time at={row.begunAt} />,
  },
];

export function ResponsesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useInfiniteQuery({ ...responsesQuery({ ...search }), refetchInterval: 15_000 });
  const change = (next: ResponseSearch) => void navigate({ search: (before) => ({ ...before, ...next }) });
  return (
    <Listing
      head={
        <>
          <ResponsesHead at="/responses" />
          <KillBanner />
        </>
      }
      toolbar={
        <>
          <div className="toolbar">
            <Choice
              label="Standing"
              value={search.open ?? ""}
              options={[
                ["", "Any"],
                ["true", "Not over"],
                ["false", "Over"],
              ]}
              onChange={(open) => change({ open: open || undefined })}
            />
          </div>
          {(list.data?.pages[0]?.items.length ?? 0) >= RUNS_MAX && (
            <p className="note">Only the newest {RUNS_MAX} are shown: narrow the filter to see others.</p>
          )}
          <Chips
            names={CHIPS}
            search={search}
            word={(name, value) => (name === "open" ? (value === "true" ? "yes" : "no") : value)}
            onChange={change}
          />
        </>
      }
      list={list}
      one="run"
      columns={COLUMNS}
      rowId={(row) => row.id}
      onOpen={(row) => void navigate({ to: "/responses/$id", params: { id: row.id } })}
      empty={
        CHIPS.some((name) => search[name] !== undefined) ? (
          <Empty icon="filter" title="No run matches these filters">
            <Link to="/responses" className="button">
              Show all runs
            </Link>
          </Empty>
        ) : (
          <Empty icon="responses" title="No playbook has run yet">
            <p>
              Playbooks propose themselves when an incident fits their trigger, or are tried by hand on{" "}
              <Link to="/incidents">an incident</Link>. Nothing is changed without approval unless the
              configuration says so.
            </p>
            <Link to="/responses/playbooks" className="button primary">
              Look at the playbooks
            </Link>
          </Empty>
        )
      }
      cardLines={3}
    />
  );
}
