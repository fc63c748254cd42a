// What happened, step by step, each with its technique and its proof.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Detection, TimelineStep } from "../../api/runtime";
import { timelineQuery } from "../../api/runtime-queries";
import { AssetLink } from "../../parts/asset-link";
import { SeverityBadge } from "../../parts/severity";
import { Failure, Loading } from "../../parts/states";
import { Techniques } from "../../parts/techniques";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { counted } from "../../text/number";
import { proofOf, type Seen, storyOf } from "../../text/story";
import { absolute } from "../../text/time";
import { visible } from "../../text/visible";

/** Commands and names that are shown of an entry; the others are in its evidence. */
const PROOFS_MAX = 3;

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
      ) : timeline.isLoadingError ? (
        <Failure error={timeline.error} retry={() => timeline.refetch()} what="the timeline" />
      ) : (
        <>
          <Entries steps={timeline.data.items} />
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

/** The rows of the list of detections that say it. What is asked for ends before `to`. */
const rowsOf = ({ title, rules, assets, first, last }: Seen) => ({
  q: title,
  rule: rules.length === 1 ? rules[0] : undefined,
  asset: assets.length === 1 ? assets[0] || undefined : undefined,
  from: first,
  to: new Date(Date.parse(last) + 1).toISOString(),
  suppressed: "false",
});

function Entries({ steps }: { steps: readonly TimelineStep[] }) {
  const story = useMemo(() => storyOf(steps), [steps]);
  const forgotten = steps.filter(({ detections }) => detections.length === 0);
  return (
    <>
      <ol className="incident-timeline">
        {story.seen.map((each) => (
          <Entry key={each.detections[0]?.id} seen={each} />
        ))}
      </ol>
      {forgotten.map(({ step }) => (
        <p key={step.detection} className="card-foot muted">
          <Text value={step.title} max={300} /> on <AssetLink asset={step.asset} />, <Time at={step.first} />:
          its detections are no longer kept.
        </p>
      ))}
      {story.more > 0 && (
        <p className="card-foot muted">
          {counted(story.more, "earlier detection")} of the same rules and assets had no room here: look into
          the <Link to="/runtime/detections">detections</Link>.
        </p>
      )}
    </>
  );
}

function Entry({ seen }: { seen: Seen }) {
  const { detections, rules } = seen;
  const proofs = [...new Set(detections.map(({ subject }) => proofOf(subject)).filter(Boolean))];
  return (
    <li className="timeline-step" data-step={detections[0]?.id}>
      <span className="timeline-when">
        <span className="mono">{absolute(seen.first).slice(11, 19)}</span>
        <span className="muted">
          <Time at={seen.first} />
        </span>
      </span>
      <div className="timeline-what">
        <p className="tags">
          <SeverityBadge severity={seen.severity} />
          <strong>
            <Link to="/runtime/detections" search={{ ...rowsOf(seen), detection: detections[0]?.id }}>
              <Text value={seen.title} max={300} />
            </Link>
          </strong>
          {seen.techniques.length > 0 && <Techniques ids={seen.techniques} />}
        </p>
        {proofs.slice(0, PROOFS_MAX).map((each) => (
          <p key={each}>
            <code className="breaks">
              <Text value={each} max={600} />
            </code>
          </p>
        ))}
        <p className="muted-strong">
          on{" "}
          {seen.assets.map((asset, index) => (
            <span key={asset}>
              {index > 0 && ", "}
              <AssetLink asset={asset} />
            </span>
          ))}
          <Actors detections={detections} /> · by{" "}
          <Link to="/runtime/detections" search={rowsOf(seen)}>
            {counted(detections.length, "detection")}
          </Link>{" "}
          of{" "}
          {rules.map((rule, index) => (
            <span key={rule}>
              {index > 0 && ", "}
              <Link to="/rules" search={{ q: rule }} className="mono">
                <Text value={rule} max={120} />
              </Link>
            </span>
          ))}
        </p>
        <Evidence detections={detections} />
      </div>
    </li>
  );
}

/** Who did it, where the events name somebody. */
function Actors({ detections }: { detections: readonly Detection[] }) {
  const names = new Set(
    detections.flatMap(({ subject }) => subject?.actor?.name ?? subject?.process?.user ?? []),
  );
  if (names.size === 0) return null;
  return (
    <>
      {" "}
      by <Text value={[...names].slice(0, PROOFS_MAX).join(", ")} max={200} />
    </>
  );
}

function Evidence({ detections }: { detections: readonly Detection[] }) {
  return (
    <details className="proofs">
      <summary>Evidence: what each rule matched</summary>
      {detections.map((each) => (
        <section key={each.id} aria-label={`Evidence of ${visible(each.title)}, ${absolute(each.first)}`}>
          <p>
            <Link to="/runtime/detections" search={{ detection: each.id }}>
              <Text value={each.title} max={300} />
            </Link>{" "}
            <span className="muted">
              {absolute(each.first)} by <Text value={each.rule} max={120} />
            </span>
          </p>
          <pre className="code" tabIndex={0}>
            <Text value={JSON.stringify(each.evidence, null, 2) ?? ""} lines max={8_000} />
          </pre>
        </section>
      ))}
    </details>
  );
}
