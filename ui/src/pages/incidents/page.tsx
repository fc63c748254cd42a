// One incident, in the reading order of every page: what is wrong, why it matters here, who and what, the next safe action,
// the evidence.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { IncidentDetail } from "../../api/runtime";
import { incidentQuery } from "../../api/runtime-queries";
import { CopyButton } from "../../parts/copy";
import { Icon } from "../../parts/icon";
import { SeverityBadge } from "../../parts/severity";
import { Failure, Loading } from "../../parts/states";
import { Techniques } from "../../parts/techniques";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { counted } from "../../text/number";
import { absoluteSpan } from "../../text/time";
import { Concluded } from "./concluded";
import { History } from "./history";
import { Manage } from "./manage";
import { Matters } from "./matters";
import { NextAction } from "./next-action";
import { Path } from "./path";
import { IncidentResponses } from "./responses";
import { StatusTag } from "./status";
import { StepList } from "./steps";
import { Who } from "./who";

const route = getRouteApi("/incidents/$id");

export function IncidentPage() {
  const { id } = route.useParams();
  const incident = useQuery(incidentQuery(id));
  return (
    <main className="page">
      <p className="crumbs">
        <Link to="/incidents">Incidents</Link>
        <Icon name="right" />
      </p>
      {incident.isPending ? (
        <Loading rows={10} label="Loading the incident" />
      ) : incident.isLoadingError ? (
        <Failure error={incident.error} retry={() => incident.refetch()} what="this incident" />
      ) : (
        <Incident detail={incident.data} />
      )}
    </main>
  );
}

function Incident({ detail }: { detail: IncidentDetail }) {
  const { incident } = detail;
  const search = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <>
      <header className="page-head">
        <h1>
          <Text value={incident.title} max={400} />
        </h1>
        <p className="tags">
          <SeverityBadge severity={incident.severity} />
          <StatusTag incident={incident} />
          <span className="muted">
            {absoluteSpan(incident.first, incident.last)} (<Time at={incident.last} />)
          </span>
          <span className="muted">
            <code>{incident.id.slice(0, 24)}</code>
            <CopyButton value={incident.id} label="Copy the id of the incident" />
          </span>
        </p>
      </header>
      <div className="stack">
        {incident.merged_into && (
          <p className="note">
            It was found to be part of{" "}
            <Link to="/incidents/$id" params={{ id: incident.merged_into }}>
              another incident
            </Link>
            , which goes on.
          </p>
        )}
        <div className="two">
          <section className="card" aria-labelledby="wrong">
            <h2 id="wrong">What is wrong</h2>
            <p>
              <a href="#timeline" data-count="detections">
                {counted(incident.detections, "detection")}
              </a>{" "}
              by <a href="#timeline">{counted(incident.steps, "step")}</a>, told by{" "}
              {counted(incident.sources, "independent source")}
              {detail.left_out > 0 && <>; {counted(detail.left_out, "further step")} had no room</>}.
            </p>
            <Concluded incident={incident} />
            <dl className="facts-list">
              <dt>Techniques</dt>
              <dd>
                <Techniques ids={incident.techniques} />
              </dd>
            </dl>
          </section>
          <NextAction incident={incident} />
        </div>
        <div className="two">
          <Who incident={incident} />
          <Matters incident={incident} />
        </div>
        <StepList id={incident.id} />
        <Path
          id={incident.id}
          table={search.as === "table"}
          onTable={(table) =>
            void navigate({ search: { as: table ? "table" : undefined }, resetScroll: false })
          }
        />
        <IncidentResponses incident={incident} />
        <div className="two">
          <Manage key={incident.id} incident={incident} />
          <History detail={detail} />
        </div>
      </div>
    </>
  );
}
