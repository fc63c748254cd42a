import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import type { AssessmentDetail, Control } from "../../api/posture";
import { OPEN } from "../../app/search";
import { Text } from "../../parts/text";
import { STATUSES, sectionOf, statusMeaning, statusName, statusTone } from "../../text/control";
import { count, counted } from "../../text/number";

interface Props {
  assessment: AssessmentDetail;
  controls: readonly Control[];
  /** Somebody asked for these: show them open. */
  narrowed: boolean;
}

/** Controls in the framework's order, by its sections; sections where something fails stand open. */
export function Controls({ assessment, controls, narrowed }: Props) {
  const sections = useMemo(() => Map.groupBy(controls, (each) => sectionOf(each.control)), [controls]);
  return (
    <div className="sections">
      {[...sections].map(([section, list]) => {
        const fails = list.some((each) => each.status === "not-met" || each.status === "partly");
        return (
          <details
            key={`${section} ${narrowed}`}
            className="card flush section"
            open={narrowed || fails}
            data-section={section}
          >
            <summary>
              <h2>
                <Text value={section} max={80} />
              </h2>
              <span className="muted">{counted(list.length, "control")}</span>
              <SectionCounts list={list} />
            </summary>
            <ul>
              {list.map((each) => (
                <ControlRow key={each.control} control={each} assessment={assessment} />
              ))}
            </ul>
          </details>
        );
      })}
    </div>
  );
}

function SectionCounts({ list }: { list: readonly Control[] }) {
  return (
    <span className="section-counts">
      {STATUSES.map((status) => [status, list.filter((each) => each.status === status).length] as const)
        .filter(([, number]) => number > 0)
        .map(([status, number]) => (
          <span key={status} className={`tag ${statusTone(status)}`}>
            {count(number)} {statusName(status).toLowerCase()}
          </span>
        ))}
    </span>
  );
}

function ControlRow({ control, assessment }: { control: Control; assessment: AssessmentDetail }) {
  return (
    <li className="control" data-control={control.control} data-status={control.status}>
      <p className="control-head">
        <span className={`tag ${statusTone(control.status)}`} title={statusMeaning(control.status)}>
          {statusName(control.status)}
        </span>
        {control.accepted && (
          <Link
            to="/compliance/exceptions"
            search={{ control: control.control, framework: assessment.framework }}
            className="tag open"
          >
            Accepted
          </Link>
        )}
        <strong>
          <span className="mono">
            <Text value={control.control} max={80} />
          </span>{" "}
          <Text value={control.title} max={300} />
        </strong>
      </p>
      <p className="control-why">
        <Text value={control.rationale} max={2_000} />
      </p>
      {(control.status === "not-met" || control.status === "partly") && !control.accepted && (
        <p className="control-act">
          <Link
            to="/compliance/exceptions"
            search={{
              ask: "new",
              framework: assessment.framework,
              control: control.control,
              asset: assessment.scope,
            }}
            preload={false}
          >
            Accept the risk
            <span className="sr-only"> of {control.control}</span>
          </Link>
        </p>
      )}
      {control.proof.length > 0 && <Proofs control={control} assessment={assessment} />}
    </li>
  );
}

function Proofs({ control, assessment }: { control: Control; assessment: AssessmentDetail }) {
  const order = [...control.proof].sort((a, b) => b.failed - a.failed || (a.rule < b.rule ? -1 : 1));
  const failing = order.filter((each) => each.failed > 0).length;
  return (
    <details className="proofs" open={failing > 0 && order.length <= 4}>
      <summary>
        Proof by {counted(order.length, "rule")}
        {failing > 0 && `, ${count(failing)} failing`}
      </summary>
      <div className="scroll-x" role="region" aria-label={`Proof of ${control.control}`} tabIndex={0}>
        <table className="small-table">
          <thead>
            <tr>
              <th scope="col">Rule</th>
              <th scope="col" className="number">
                Failed
              </th>
              <th scope="col" className="number">
                Passed
              </th>
              <th scope="col" className="number">
                Not told
              </th>
            </tr>
          </thead>
          <tbody>
            {order.map((each) => (
              <tr key={each.rule}>
                <td className="mono breaks">
                  <Text value={each.rule.slice(each.rule.lastIndexOf("/") + 1)} max={120} />
                </td>
                <td className="number">
                  {each.failed > 0 ? (
                    <Link
                      to="/findings"
                      search={{ ...OPEN, asset: assessment.scope, rule: each.rule }}
                      aria-label={`${count(each.failed)} failed: findings of ${each.rule}`}
                      data-rule={each.rule}
                      preload={false}
                    >
                      {count(each.failed)}
                    </Link>
                  ) : (
                    "0"
                  )}
                </td>
                <td className="number">{count(each.passed)}</td>
                <td className="number">{count(each.unknown)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
