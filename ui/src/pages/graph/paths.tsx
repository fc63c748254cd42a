// How far an attacker gets: one path per row, from a workload by steps to a goal, as a drawing and as a table.

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { save } from "../../api/download";
import type { AttackAnswer, AttackPath } from "../../api/posture";
import { ANSWERS_MAX, attackPathsQuery } from "../../api/posture-queries";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { TwinSwitch } from "../../parts/twin";
import { count, counted } from "../../text/number";
import {
  ACCOUNT_GOAL_IDS,
  GOAL_IDS,
  goalName,
  pathKey,
  placeBox,
  resourceBox,
  sourceBox,
  stepKey,
  techniqueName,
  UNCOUNTED_GOALS,
} from "../../text/path";
import { isAccount, shortPath } from "../../text/resource";
import { ChokePoints, viaName } from "./choke";
import { BoxName, BoxView, Certainty, Grants, StepView, Through, Unknown } from "./drawing";
import { Chip, Choice } from "./filters";
import type { ViewProps } from "./page";

const FROM = [
  ["exposed", "workloads the internet gets to"],
  ["all", "every workload"],
] as const;
const ACCOUNT_FROM = [
  ["exposed", "outside of the account"],
  ["all", "everywhere"],
] as const;

type Options = readonly (readonly [value: string, name: string])[];
const goals = (ids: readonly string[]): Options => [
  ["", "any goal"],
  ...ids.map((goal) => [goal, goalName(goal)] as const),
];
const GOALS = goals(GOAL_IDS);
const ACCOUNT_GOALS = goals(ACCOUNT_GOAL_IDS);

/** Paths in the document at first, and with each click more. */
const ROWS = 100;

export function Paths({ cluster, search, onChange }: ViewProps) {
  const { from = "exposed", goal, workload, via } = search;
  const account = isAccount(cluster.id);
  const answer = useQuery(attackPathsQuery(cluster.id, { from, goal, workload, limit: ANSWERS_MAX }));
  return (
    <div className="stack">
      <div className="toolbar graph-tools">
        <Choice
          label="From"
          value={from}
          options={account ? ACCOUNT_FROM : FROM}
          onChange={(value) => onChange({ from: value === "all" ? "all" : undefined, via: undefined })}
        />
        <Choice
          label="To"
          value={goal ?? ""}
          options={account ? ACCOUNT_GOALS : GOALS}
          onChange={(value) => onChange({ goal: value || undefined, via: undefined })}
        />
        <span className="push">
          <TwinSwitch
            table={search.as === "table"}
            label="Paths as"
            onChange={(table) => onChange({ as: table ? "table" : undefined })}
          />
        </span>
      </div>
      {(workload || via) && (
        <ul className="chips" aria-label="Filters in force">
          {workload && (
            <Chip
              name="from"
              value={shortPath(workload)}
              onRemove={() => onChange({ workload: undefined, via: undefined })}
            />
          )}
          {via && <Chip name="through" value={viaName(via)} onRemove={() => onChange({ via: undefined })} />}
        </ul>
      )}
      {answer.isPending ? (
        <Loading rows={10} label="Looking for paths" />
      ) : answer.isLoadingError ? (
        <Failure error={answer.error} retry={() => answer.refetch()} what="attack paths" />
      ) : (
        <Answer answer={answer.data} cluster={cluster} search={search} onChange={onChange} />
      )}
    </div>
  );
}

function Answer({ answer, cluster, search, onChange }: ViewProps & { answer: AttackAnswer }) {
  const { via } = search;
  const account = isAccount(cluster.id);
  const shown = useMemo(
    () =>
      via
        ? answer.paths.filter(
            (path) =>
              !UNCOUNTED_GOALS.includes(path.goal) && path.steps.some((step) => stepKey(step) === via),
          )
        : answer.paths,
    [answer, via],
  );
  const [most, setMost] = useState(ROWS);
  const drawn = shown.slice(0, most);
  const options = account ? ACCOUNT_FROM : FROM;
  const from = search.workload ? shortPath(search.workload) : options[search.from === "all" ? 1 : 0][1];
  return (
    <>
      <p role="status" data-testid="shown">
        <strong>
          {via ? `${counted(shown.length, "path")} of ${count(answer.total)}` : counted(answer.total, "path")}
        </strong>{" "}
        <span className="muted">
          from {counted(answer.sources, account ? "place" : "workload")} looked at:{" "}
          <Text value={from} max={200} />.
          {answer.total > answer.paths.length &&
            ` The ${count(answer.paths.length)} first are here: narrow the filter to see the others.`}
          {answer.truncated && " There are more than a search looks at."}
        </span>
        {shown.length > 0 && (
          <button
            type="button"
            className="button ghost small"
            onClick={() => save("attack-paths", "ndjson", { rows: shown, cut: answer.total > shown.length })}
          >
            NDJSON
          </button>
        )}
      </p>
      <Unknown unknown={answer.unknown} />
      <ChokePoints answer={answer} cluster={cluster} search={search} />
      <Administrators answer={answer} scope={cluster.id} />
      {shown.length === 0 ? (
        <Empty title={via ? "No shortest path has this step" : "No path was found"}>
          <p>
            {search.from !== "all" && !via
              ? `Nothing outside leads on, as far as is known. ${account ? "Users, roles and resources" : "Workloads"} inside may still.`
              : "As far as is known. What the answer does not know stands above."}
          </p>
          {search.from !== "all" && (
            <button
              type="button"
              className="button"
              onClick={() => onChange({ from: "all", via: undefined })}
            >
              From {account ? "everywhere" : "every workload"}
            </button>
          )}
        </Empty>
      ) : search.as === "table" ? (
        <PathTable paths={drawn} scope={cluster.id} />
      ) : (
        <ol className="paths" data-testid="paths">
          {drawn.map((path) => (
            <PathRow key={pathKey(path)} path={path} scope={cluster.id} />
          ))}
        </ol>
      )}
      {drawn.length < shown.length && (
        <button type="button" className="button" onClick={() => setMost(most + ROWS)}>
          Show more: {count(drawn.length)} of {count(shown.length)} are here
        </button>
      )}
    </>
  );
}

/** Administrators shown; an account with more has another trouble first. */
const ADMINISTRATORS = 20;

/** Who holds every right to begin with: paths lead to them, and none begins at them. */
function Administrators({ answer, scope }: { answer: AttackAnswer; scope: string }) {
  const { administrators = [] } = answer;
  if (administrators.length === 0) return null;
  const more = administrators.length - ADMINISTRATORS;
  return (
    <section className="card" aria-labelledby="administrators">
      <h2 id="administrators">Administrators to begin with</h2>
      <ul className="plain" data-testid="administrators">
        {administrators.slice(0, ADMINISTRATORS).map(({ arn, certainty }) => (
          <li key={arn}>
            <BoxName box={resourceBox(arn)} scope={scope} /> <Certainty certainty={certainty} />
          </li>
        ))}
      </ul>
      {more > 0 && <p className="muted">And {count(more)} more.</p>}
    </section>
  );
}

function PathRow({ path, scope }: { path: AttackPath; scope: string }) {
  return (
    <li className="card path">
      <h2 className="path-title">
        <Text value={sourceBox(path).name} max={200} />{" "}
        <span className="muted">
          to {goalName(path.goal).toLowerCase()}, {counted(path.steps.length, "step")}
        </span>{" "}
        <Certainty certainty={path.certainty} />
      </h2>
      <ol className="drawing">
        <li>
          <BoxView box={sourceBox(path)} scope={scope} tone="source" />
        </li>
        {path.steps.map((step, index) => (
          <StepView key={stepKey(step)} step={step} scope={scope} goal={index === path.steps.length - 1} />
        ))}
      </ol>
    </li>
  );
}

function PathTable({ paths, scope }: { paths: readonly AttackPath[]; scope: string }) {
  return (
    <section className="card flush" aria-label="Attack paths as a table">
      <div className="scroll-x" role="region" aria-label="Attack paths, a row for each step" tabIndex={0}>
        <table className="table" data-testid="paths-table">
          <thead>
            <tr>
              <th scope="col">Path</th>
              <th scope="col">Step</th>
              <th scope="col">From</th>
              <th scope="col">How</th>
              <th scope="col">To</th>
              <th scope="col">Why and proof</th>
            </tr>
          </thead>
          {paths.map((path) => (
            <tbody key={pathKey(path)}>
              {path.steps.map((step, index) => (
                <tr key={stepKey(step)}>
                  {index === 0 && (
                    <th scope="rowgroup" rowSpan={path.steps.length} className="row-head">
                      <BoxName box={sourceBox(path)} scope={scope} />
                      <span className="second-line muted">to {goalName(path.goal).toLowerCase()}</span>
                    </th>
                  )}
                  <td className="number" data-label="Step">
                    {index + 1}
                  </td>
                  <td data-label="From">
                    <BoxName box={placeBox(step.from)} scope={scope} />
                  </td>
                  <td data-label="How">{techniqueName(step.technique)}</td>
                  <td data-label="To">
                    <BoxName box={placeBox(step.to)} scope={scope} />
                  </td>
                  <td className="wide">
                    <Text value={step.why} max={300} />
                    {step.certainty === "possible" && " "}
                    <Certainty certainty={step.certainty} />
                    <Grants grants={step.grants} scope={scope} />
                    <Through step={step} scope={scope} />
                  </td>
                </tr>
              ))}
            </tbody>
          ))}
        </table>
      </div>
    </section>
  );
}
