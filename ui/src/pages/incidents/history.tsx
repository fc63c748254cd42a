import { Link } from "@tanstack/react-router";
import type { IncidentDetail, IncidentEntry } from "../../api/runtime";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { dispositionName, incidentStatus } from "../../text/runtime";

/** Who changed what and when; kept when incidents become one. */
export function History({ detail }: { detail: IncidentDetail }) {
  return (
    <section className="card" aria-labelledby="history">
      <h2 id="history">History</h2>
      <p className="muted">
        Opened <Time at={detail.incident.opened_at} />
        {detail.acknowledged_at && (
          <>
            , taken up <Time at={detail.acknowledged_at} />
          </>
        )}
        {detail.closed_at && (
          <>
            , closed <Time at={detail.closed_at} />
          </>
        )}
        .{detail.history.length === 0 && " Nobody has changed it."}
      </p>
      <ol className="plain">
        {detail.history.map((entry) => (
          <li key={`${entry.incident} ${entry.at} ${entry.actor} ${JSON.stringify(entry.what)}`}>
            <p>
              <strong>
                <Text value={entry.actor} max={120} />
              </strong>{" "}
              <span className="muted">
                <Time at={entry.at} />
                {entry.incident !== detail.incident.id && ", about what became part of this one"}
              </span>
            </p>
            <p className="muted-strong">
              <Text value={changes(entry.what)} max={400} />
            </p>
            {entry.what.merged && (
              <p className="muted-strong">
                <Link to="/incidents/$id" params={{ id: entry.what.merged }} preload={false}>
                  Another incident
                </Link>{" "}
                became part of it.
              </p>
            )}
            {entry.what.note && (
              <p className="note">
                <Text value={entry.what.note} lines max={4_000} />
              </p>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

const changes = ({ status, assignee, disposition }: IncidentEntry["what"]): string =>
  [
    status && `Status: ${incidentStatus(status)}`,
    assignee !== undefined && `Assignee: ${assignee || "nobody"}`,
    disposition !== undefined && (disposition ? dispositionName(disposition) : "Not judged any more"),
  ]
    .filter(Boolean)
    .join(" · ");
