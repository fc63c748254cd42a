// A plan as people read it before they agree: refusals and warnings first, then each act with before and after.

import type { PlannedAct, ResponsePlan } from "../../api/respond";
import { Icon } from "../../parts/icon";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted, percent } from "../../text/number";
import { words } from "../../text/path";
import { valueWord } from "../../text/runtime";

export function PlanView({ plan }: { plan: ResponsePlan }) {
  return (
    <section className={plan.refusals.length > 0 ? "card failure" : "card"} aria-labelledby="plan">
      <div className="card-head">
        <h2 id="plan">Plan</h2>
        <span className="muted">
          made <Time at={plan.plannedAt} />
        </span>
      </div>
      <Said icon="stop" tone="bad" title="Why it must not be done" lines={plan.refusals} />
      <Said icon="warning" tone="warn" title="What to know before agreeing" lines={plan.warnings} />
      <Reach plan={plan} />
      <ol className="acts-list">
        {plan.acts.map((act) => (
          <ActView key={act.key} act={act} />
        ))}
      </ol>
      {plan.acts.length === 0 && <p className="muted">Nothing would be done.</p>}
      {plan.skipped.length > 0 && (
        <>
          <h3>Left out</h3>
          <ul className="plain">
            {plan.skipped.map((each) => (
              <li key={each.step}>
                <code>
                  <Text value={each.step} max={80} />
                </code>
                : <Text value={each.why} max={300} />
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Said({
  icon,
  tone,
  title,
  lines,
}: {
  icon: "stop" | "warning";
  tone: "bad" | "warn";
  title: string;
  lines: readonly string[];
}) {
  if (lines.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul className="plain">
        {lines.map((line) => (
          <li key={line} className="need">
            <Icon name={icon} className={tone} />
            <Text value={line} max={500} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** How far it reaches, and what disruption budgets say. */
function Reach({ plan }: { plan: ResponsePlan }) {
  return (
    <dl className="meta">
      <div>
        <dt>Pods cut off or ended</dt>
        <dd>
          {plan.pods.length === 0 ? (
            "none"
          ) : (
            <details>
              <summary>
                {count(plan.pods.length)} of {count(plan.podsTotal)}
                {plan.podsTotal > 0 && ` (${percent(plan.pods.length / plan.podsTotal)})`}
              </summary>
              <ul>
                {plan.pods.map((pod) => (
                  <li key={pod}>
                    <Text value={pod} max={200} />
                  </li>
                ))}
              </ul>
            </details>
          )}
        </dd>
      </div>
      {plan.replicas.map((each) => (
        <div key={each.target}>
          <dt>
            Pods of <Text value={each.target} max={120} />
          </dt>
          <dd>
            {count(each.before)} before, {count(each.after)} after
          </dd>
        </div>
      ))}
      {plan.disruptions.map((each) => (
        <div key={each.budget}>
          <dt>
            Disruption budget <Text value={each.budget} max={120} />
          </dt>
          <dd>
            {counted(each.evicted, "eviction")}, {count(each.allowed)} allowed
          </dd>
        </div>
      ))}
    </dl>
  );
}

function ActView({ act }: { act: PlannedAct }) {
  return (
    <li className="act" data-act={act.key}>
      <p className="tags">
        <span className="tag mono">
          <Text value={act.action} max={60} />
        </span>
        <strong className="breaks">
          <Text value={act.target ?? "nothing in the cluster"} max={300} />
        </strong>
        <span className="muted">
          {words(act.change)}, <Text value={words(act.class).toLowerCase()} max={60} />
        </span>
        <span className={`tag ${act.state === "failed" ? "bad" : act.state === "done" ? "good" : ""}`}>
          <Text value={words(act.state)} max={40} />
        </span>
        {act.verified !== null && act.verified !== undefined && (
          <span className={`tag ${act.verified ? "good" : "bad"}`}>
            {act.verified ? "Effect verified" : "Effect not found"}
          </span>
        )}
      </p>
      {act.fields.length > 0 && (
        <div className="scroll-x" role="region" aria-label="Before and after" tabIndex={0}>
          <table className="small-table before-after">
            <thead>
              <tr>
                <th scope="col">Field</th>
                <th scope="col">Before</th>
                <th scope="col">After</th>
              </tr>
            </thead>
            <tbody>
              {act.fields.map((field) => (
                <tr key={field.path.join("/")}>
                  <td className="mono breaks">
                    <Text value={field.path.join(".")} max={300} />
                  </td>
                  <td className="mono breaks">
                    <Text value={valueWord(field.before)} max={600} />
                  </td>
                  <td className="mono breaks">
                    <strong>
                      <Text value={valueWord(field.after)} max={600} />
                    </strong>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {act.dryRun && (
        <p className={act.dryRun.passes ? "verdict good" : "verdict bad"}>
          <Icon name={act.dryRun.passes ? "check" : "warning"} />
          <span>
            {act.dryRun.passes ? "The API server would do it" : "The API server would refuse it"}
            {act.dryRun.said && (
              <>
                : <Text value={act.dryRun.said} max={400} />
              </>
            )}
          </span>
        </p>
      )}
      {act.said && (
        <p className="muted-strong">
          <Text value={act.said} max={400} />
        </p>
      )}
    </li>
  );
}
