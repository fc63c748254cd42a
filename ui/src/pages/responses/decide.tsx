// Approval by several people. What is decided about is the plan with this digest and no other.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { ResponseDetail, ResponsePlan } from "../../api/respond";
import { decideResponse } from "../../api/respond-queries";
import { Digest } from "../../parts/copy";
import { Field } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { ProblemLine } from "../../parts/problem-line";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";

export function Decide({ response, plan }: { response: ResponseDetail; plan: ResponsePlan }) {
  const client = useQueryClient();
  const [note, setNote] = useState("");
  // The digest that was on the screen when the page was read; a plan made anew shows itself first.
  const [read, setRead] = useState(plan.digest);
  const decide = useMutation({
    mutationFn: (agree: boolean) =>
      decideResponse(response.id, { agree, digest: read, ...(note.trim() ? { note: note.trim() } : {}) }),
    onSettled: () => client.invalidateQueries({ queryKey: ["responses"] }),
  });
  const changed = read !== plan.digest;
  return (
    <section className="card" aria-labelledby="approvals">
      <div className="card-head">
        <h2 id="approvals">Approvals</h2>
        <span className="muted">
          {response.approvalsGiven} of {response.approvalsNeeded}
        </span>
      </div>
      {response.decisions.length > 0 && (
        <ul className="plain">
          {response.decisions.map((each) => (
            <li key={each.by} className="need">
              <Icon name={each.agree ? "check" : "close"} className={each.agree ? "" : "bad"} />
              <span>
                <strong>
                  <Text value={each.by} max={120} />
                </strong>{" "}
                {each.agree ? "agreed" : "refused"} <Time at={each.at} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {response.decisions.length === 0 && response.approvalsNeeded > 0 && (
        <p className="muted">Nobody has decided yet. Whoever started it cannot approve it.</p>
      )}
      {response.phase === "asking" && (
        <>
          <p className="tags">
            <span>You decide about the plan</span> <Digest value={read} />
          </p>
          {changed && (
            <p className="need" role="alert">
              <Icon name="warning" className="warn" />
              <span>
                The plan was made anew while you read. Read it again above.{" "}
                <button type="button" className="button small" onClick={() => setRead(plan.digest)}>
                  I have read the new one
                </button>
              </span>
            </p>
          )}
          {plan.refusals.length > 0 ? (
            <p className="muted">It cannot be approved: the plan refuses itself, for the reasons above.</p>
          ) : (
            <>
              <Field name="Note for the server’s log, optional">
                {(id) => (
                  <input
                    id={id}
                    className="input"
                    maxLength={500}
                    value={note}
                    onChange={(event) => setNote(event.target.value)}
                  />
                )}
              </Field>
              {decide.isError && <ProblemLine error={decide.error} />}
              <p className="dialog-foot">
                <button
                  type="button"
                  className="button"
                  disabled={decide.isPending || changed}
                  onClick={() => decide.mutate(false)}
                >
                  Refuse
                </button>
                <button
                  type="button"
                  className="button primary"
                  disabled={decide.isPending || changed}
                  onClick={() => decide.mutate(true)}
                >
                  Approve this plan
                </button>
              </p>
            </>
          )}
        </>
      )}
    </section>
  );
}
