// The safest thing to do next about an incident.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { request } from "../../api/client";
import { sessionQuery } from "../../api/queries";
import type { ResponseRow } from "../../api/respond";
import { playbooksQuery, startResponse } from "../../api/respond-queries";
import type { IncidentRow } from "../../api/runtime";
import { changeIncident } from "../../api/runtime-queries";
import type { Page } from "../../api/types";
import { Dialog } from "../../parts/dialog";
import { ProblemLine } from "../../parts/problem-line";
import { Text } from "../../parts/text";
import { visible } from "../../text/visible";
import { PlanView } from "../responses/plan";

/** The newest responses of an incident. */
export const ofIncident = (incident: string) => ({
  queryKey: ["responses", "of", incident],
  refetchInterval: 15_000,
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    request<Page<ResponseRow>>("/responses", { query: { incident, limit: 20 }, signal }),
});

export function NextAction({ incident }: { incident: IncidentRow }) {
  const responses = useQuery(ofIncident(incident.id));
  const asking = responses.data?.items.find((each) => each.phase === "asking");
  const leased = responses.data?.items.find((each) => each.phase === "leased");
  return (
    <section className="card" aria-labelledby="next">
      <h2 id="next">Next safe action</h2>
      {incident.status === "closed" ? (
        <p>Nothing: it is closed. New detections of the same things open another incident.</p>
      ) : asking ? (
        <>
          <p>
            The playbook <Text value={asking.playbook} max={80} /> has a plan that waits for people:{" "}
            {asking.approvalsGiven} of {asking.approvalsNeeded} approvals are there. Read what it would
            change, then decide.
          </p>
          <Link to="/responses/$id" params={{ id: asking.id }} className="button primary">
            Look at the plan
          </Link>
        </>
      ) : !incident.assignee ? (
        <Take incident={incident} />
      ) : leased ? (
        <>
          <p>
            <Text value={leased.playbook} max={80} /> holds it until its lease ends. Find the cause before
            then, or what it did is taken back.
          </p>
          <Link to="/responses/$id" params={{ id: leased.id }} className="button primary">
            Look at the response
          </Link>
        </>
      ) : (
        <p>
          Follow the timeline from its first step. To hold it meanwhile, try a playbook below: a dry run
          changes nothing and shows what it would do.
        </p>
      )}
      {incident.status !== "closed" && !asking && !leased && <Propose incident={incident} />}
    </section>
  );
}

function Take({ incident }: { incident: IncidentRow }) {
  const client = useQueryClient();
  const session = useQuery(sessionQuery);
  const take = useMutation({
    mutationFn: () =>
      changeIncident(incident.id, incident.version, {
        assignee: session.data?.token_name ?? "",
        status: incident.status === "open" ? "investigating" : incident.status,
      }),
    onSettled: () => client.invalidateQueries({ queryKey: ["incidents"] }),
  });
  return (
    <>
      <p>Nobody has it. Take it, so that two people do not work on it without knowing of each other.</p>
      <button
        type="button"
        className="button primary"
        disabled={take.isPending || !session.data}
        onClick={() => take.mutate()}
      >
        Take it
      </button>
      {take.isError && <ProblemLine error={take.error} />}
    </>
  );
}

function Propose({ incident }: { incident: IncidentRow }) {
  const client = useQueryClient();
  const playbooks = useQuery({ ...playbooksQuery, retry: false });
  const [chosen, setChosen] = useState("");
  const navigate = useNavigate();
  const dry = useMutation({ mutationFn: () => startResponse(chosen, incident.id, true) });
  const start = useMutation({
    mutationFn: () => startResponse(chosen, incident.id, false),
    onSuccess: async (run) => {
      await client.invalidateQueries({ queryKey: ["responses"] });
      await navigate({ to: "/responses/$id", params: { id: run.id } });
    },
  });
  const items = playbooks.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <>
      <div className="inline-form">
        <label className="select">
          <span className="sr-only">Playbook to try</span>
          <select value={chosen} onChange={(event) => setChosen(event.target.value)}>
            <option value="">Playbook to try …</option>
            {items.map((each) => (
              <option key={each.name} value={each.name}>
                {visible(each.name)}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          className="button"
          disabled={chosen === "" || dry.isPending}
          onClick={() => dry.mutate()}
        >
          {dry.isPending ? "Asking the cluster …" : "Dry run"}
        </button>
      </div>
      {chosen !== "" && (
        <p className="muted">
          <Text value={items.find((each) => each.name === chosen)?.description ?? ""} max={400} />
        </p>
      )}
      {dry.isError && <ProblemLine error={dry.error} />}
      <Dialog
        open={dry.data !== undefined}
        title={dry.data ? `What ${visible(dry.data.playbook)} would do` : ""}
        onClose={dry.reset}
      >
        {dry.data?.plan && (
          <div className="stack tight">
            <p className="muted">Nothing was changed, and nothing of this is kept.</p>
            <PlanView plan={dry.data.plan} />
            {start.isError && <ProblemLine error={start.error} />}
            <p className="dialog-foot">
              <button type="button" className="button" onClick={dry.reset}>
                Close
              </button>
              <button
                type="button"
                className="button primary"
                disabled={dry.data.plan.refusals.length > 0 || start.isPending}
                onClick={() => start.mutate()}
              >
                {start.isPending ? "Waiting for the server …" : "Propose it"}
              </button>
            </p>
          </div>
        )}
      </Dialog>
    </>
  );
}
