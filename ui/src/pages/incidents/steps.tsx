// What happened, step by step, each with its technique and its proof.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { TimelineStep } from "../../api/runtime";
import { timelineQuery } from "../../api/runtime-queries";
import { AssetLink } from "../../parts/asset-link";
import { SeverityBadge } from "../../parts/severity";
import { Failure, Loading } from "../../parts/states";
import { Techniques } from "../../parts/techniques";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { counted } from "../../text/number";
import { absolute } from "../../text/time";

export function StepList({ id }: { id: string }) {
  const timeline = useQuery(timelineQuery(id));
  return (
    <section className="card flush" aria-labelledby="timeline">
      <div className="card-head">
        <h2 id="timeline">Timeline</h2>
        <span className="muted">What happened, the first first</span>
      </div>
      {timeline.isPending ? (
        <Loading rows={6} label="Loading the timeline" />
      ) : timeline.isError ? (
        <Failure error={timeline.error} retry={() => timeline.refetch()} what="the timeline" />
      ) : (
        <>
          <ol className="incident-timeline">
            {timeline.data.items.map((item) => (
              <StepRow key={`${item.step.rule} ${item.step.asset} ${item.step.first}`} item={item} />
            ))}
          </ol>
          {timeline.data.left_out > 0 && (
            <p className="card-foot muted">
              {counted(timeline.data.left_out, "further step")} had no room here: look into the{" "}
              <Link to="/runtime/detections">detections</Link>.
            </p>
          )}
        </>
      )}
    </section>
  );
}

/** The detections of a step: one rule on one asset within its time. What is asked for ends before `to`. */
const rowsOf = ({ rule, asset, first, last }: TimelineStep["step"]) => ({
  rule,
  asset: asset || undefined,
  from: first,
  to: new Date(Date.parse(last) + 1).toISOString(),
  suppressed: "false",
});

function StepRow({ item: { step, detections } }: { item: TimelineStep }) {
  return (
    <li className="timeline-step" data-step={step.detection}>
      <span className="timeline-when">
        <span className="mono">{absolute(step.first).slice(11, 19)}</span>
        <span className="muted">
          <Time at={step.first} />
        </span>
      </span>
      <div className="timeline-what">
        <p className="tags">
          <SeverityBadge severity={step.severity} />
          <strong>
            <Link to="/runtime/detections" search={{ ...rowsOf(step), detection: step.detection }}>
              <Text value={step.title} max={300} />
            </Link>
          </strong>
          {step.techniques.length > 0 && <Techniques ids={step.techniques} />}
        </p>
        <p className="muted-strong">
          on <AssetLink asset={step.asset} /> · by{" "}
          <Link to="/runtime/detections" search={rowsOf(step)}>
            {counted(step.count, "detection")}
          </Link>{" "}
          of{" "}
          <Link to="/rules" search={{ q: step.rule }} className="mono">
            <Text value={step.rule} max={120} />
          </Link>
        </p>
        {detections.length > 0 ? (
          <details className="proofs">
            <summary>
              Evidence:{" "}
              {step.count > detections.length
                ? `the latest ${detections.length} of ${step.count}`
                : "all of it"}
            </summary>
            {detections.map((each) => (
              <section key={each.id} aria-label={`Evidence of ${absolute(each.first)}`}>
                <p>
                  <Link to="/runtime/detections" search={{ detection: each.id }}>
                    Its events
                  </Link>{" "}
                  <span className="muted">
                    <Time at={each.first} />
                  </span>
                </p>
                <pre className="code" tabIndex={0}>
                  <Text value={JSON.stringify(each.evidence, null, 2) ?? ""} lines max={8_000} />
                </pre>
              </section>
            ))}
          </details>
        ) : (
          <p className="muted">Its detections are no longer kept.</p>
        )}
      </div>
    </li>
  );
}
