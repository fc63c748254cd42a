import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { IncidentRow } from "../../api/runtime";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { PhaseTag } from "../responses/phase";
import { ofIncident } from "./next-action";

/** Responses to an incident, the newest first. */
export function IncidentResponses({ incident }: { incident: IncidentRow }) {
  const responses = useQuery(ofIncident(incident.id));
  const items = responses.data?.items ?? [];
  return (
    <section className="card" aria-labelledby="responses">
      <div className="card-head">
        <h2 id="responses">Responses</h2>
        {items.length > 0 && (
          <Link to="/responses" search={{ incident: incident.id }}>
            All of them
          </Link>
        )}
      </div>
      {responses.isLoadingError ? (
        <p className="muted">Responses could not be loaded: {responses.error.message}.</p>
      ) : items.length === 0 ? (
        <p className="muted">
          {responses.isPending ? "Loading …" : "Nothing was proposed or done about it yet."}
        </p>
      ) : (
        <ul className="plain">
          {items.map((each) => (
            <li key={each.id} className="tags">
              <Link to="/responses/$id" params={{ id: each.id }}>
                <Text value={each.playbook} max={80} />
              </Link>
              <PhaseTag response={each} />
              <span className="muted">
                <Time at={each.begunAt} />, started by <Text value={each.startedBy} max={80} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
