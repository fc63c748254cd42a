// One run of a playbook: what it would change, who has to agree, and what became of it.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import type { ResponseDetail } from "../../api/respond";
import { cancelResponse, responseQuery } from "../../api/respond-queries";
import { Dialog } from "../../parts/dialog";
import { Field } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { ProblemLine } from "../../parts/problem-line";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { Decide } from "./decide";
import { KillBanner } from "./kill-switch";
import { Lease } from "./lease";
import { PhaseTag } from "./phase";
import { PlanView } from "./plan";

/** A cluster that can be reached is asked within seconds. */
const PLANNED_WITHIN_MS = 120_000;

const route = getRouteApi("/responses/$id");

export function ResponsePage() {
  const { id } = route.useParams();
  const response = useQuery(responseQuery(id));
  return (
    <main className="page">
      <p className="crumbs">
        <Link to="/responses">Responses</Link>
        <Icon name="right" />
      </p>
      {response.isPending ? (
        <Loading rows={10} label="Loading the run" />
      ) : response.isLoadingError ? (
        <Failure error={response.error} retry={() => response.refetch()} what="this run" />
      ) : (
        <Response response={response.data} />
      )}
    </main>
  );
}

function Response({ response }: { response: ResponseDetail }) {
  const [undo, setUndo] = useState(false);
  return (
    <>
      <header className="page-head">
        <h1>
          <Text value={response.playbook} max={80} />
        </h1>
        <p className="tags">
          <PhaseTag response={response} />
          {response.leaseUntil && <Lease until={response.leaseUntil} />}
          <span className="muted">
            started by <Text value={response.startedBy} max={80} /> <Time at={response.begunAt} /> for{" "}
            <Link to="/incidents/$id" params={{ id: response.incident }}>
              an incident
            </Link>
          </span>
          <Link to="/responses/ledger" search={{ run: response.id }}>
            Its ledger
          </Link>
          {response.phase !== "over" && (
            <button type="button" className="button small" onClick={() => setUndo(true)}>
              {response.phase === "acting" || response.phase === "leased" ? "Roll back" : "Cancel"}
            </button>
          )}
        </p>
      </header>
      <div className="stack">
        <KillBanner />
        {response.stopped && (
          <p className="note">
            <Text value={response.stopped} max={600} />
          </p>
        )}
        {response.plan ? (
          <>
            <PlanView plan={response.plan} />
            <Decide response={response} plan={response.plan} />
          </>
        ) : (
          <section className="card">
            <p className="muted">
              There is no plan yet. It appears here as soon as the cluster has been asked.
            </p>
            {Date.now() - Date.parse(response.changedAt) > PLANNED_WITHIN_MS &&
              response.phase === "planning" && (
                <p>
                  This takes too long: nothing has come of it since <Time at={response.changedAt} />. See
                  whether <code>[clusters]</code> of the configuration names the cluster of the incident with{" "}
                  <code>respond = true</code>, and whether its API server can be reached.
                </p>
              )}
          </section>
        )}
        <section className="card" aria-labelledby="journal">
          <h2 id="journal">Journal</h2>
          <ol className="journal">
            {response.journal.map((entry) => (
              <li key={`${entry.at} ${entry.what}`}>
                <span className="muted">
                  <Time at={entry.at} />
                </span>
                <Text value={entry.what} max={600} />
              </li>
            ))}
          </ol>
        </section>
      </div>
      <Dialog open={undo} title="Take back what it did?" onClose={() => setUndo(false)}>
        <Undo response={response} onClose={() => setUndo(false)} />
      </Dialog>
    </>
  );
}

function Undo({ response, onClose }: { response: ResponseDetail; onClose: () => void }) {
  const client = useQueryClient();
  const [why, setWhy] = useState("");
  const cancel = useMutation({
    mutationFn: () => cancelResponse(response.id, why.trim()),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["responses"] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    cancel.mutate();
  };
  return (
    <form className="stack tight" onSubmit={submit}>
      <p>
        Nothing more is done, and what it changed is set back to what it was before. What somebody else has
        changed since is left as it is and told.
      </p>
      <Field name="Reason">
        {(id) => (
          <textarea
            id={id}
            className="input"
            required
            rows={2}
            maxLength={500}
            value={why}
            onChange={(event) => setWhy(event.target.value)}
          />
        )}
      </Field>
      {cancel.isError && <ProblemLine error={cancel.error} />}
      <p className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          Leave it
        </button>
        <button type="submit" className="button danger" disabled={cancel.isPending || why.trim() === ""}>
          {cancel.isPending ? "Waiting for the server …" : "Take it back"}
        </button>
      </p>
    </form>
  );
}
