// What would have been different, had other rules judged.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { BacktestDetail, BacktestDetection, BacktestDifference } from "../../api/runtime";
import { backtestQuery, cancelBacktest, isUnderWay } from "../../api/runtime-queries";
import { Icon } from "../../parts/icon";
import { ProblemLine } from "../../parts/problem-line";
import { SeverityBadge } from "../../parts/severity";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";
import { BacktestTag, tried } from "./backtest-state";

const route = getRouteApi("/rules/backtests/$id");

export function BacktestPage() {
  const { id } = route.useParams();
  const backtest = useQuery(backtestQuery(id));
  return (
    <main className="page">
      <p className="crumbs">
        <Link to="/rules/backtests">Backtests</Link>
        <Icon name="right" />
      </p>
      {backtest.isPending ? (
        <Loading rows={10} label="Loading the backtest" />
      ) : backtest.isError ? (
        <Failure error={backtest.error} retry={() => backtest.refetch()} what="this backtest" />
      ) : (
        <Shown backtest={backtest.data} />
      )}
    </main>
  );
}

function Shown({ backtest }: { backtest: BacktestDetail }) {
  return (
    <>
      <header className="page-head">
        <h1>
          <Text value={tried(backtest)} max={120} />
        </h1>
        <p className="tags">
          <BacktestTag backtest={backtest} />
          <span className="muted">
            events from <Time at={backtest.from} /> to <Time at={backtest.to} />, asked for by{" "}
            <Text value={backtest.asked_by} max={120} />
          </span>
        </p>
      </header>
      <div className="stack">
        {isUnderWay(backtest) && <UnderWay backtest={backtest} />}
        {backtest.state === "cancelled" && <p className="note">It was called off. Nothing was compared.</p>}
        {backtest.error && (
          <p className="note" role="status">
            <Text value={backtest.error.message} max={600} /> <code>{backtest.error.code}</code>
          </p>
        )}
        {backtest.difference && <Difference difference={backtest.difference} />}
        {backtest.rules.map((file) => (
          <details key={file.name} className="card">
            <summary>
              <Text value={file.name} max={200} />
            </summary>
            <pre className="mono scroll-x" tabIndex={0} role="region" aria-label={file.name}>
              {file.text}
            </pre>
          </details>
        ))}
      </div>
    </>
  );
}

function UnderWay({ backtest }: { backtest: BacktestDetail }) {
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => cancelBacktest(backtest.id),
    onSettled: () => client.invalidateQueries({ queryKey: backtestQuery(backtest.id).queryKey }),
  });
  return (
    <section className="card" aria-label="How far it is">
      <p role="status">
        {backtest.state === "queued"
          ? "One is made at a time."
          : `${counted(backtest.events, "event")} judged so far.`}
      </p>
      {cancel.isError && <ProblemLine error={cancel.error} />}
      <p>
        <button type="button" className="button" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
          Call it off
        </button>
      </p>
    </section>
  );
}

function Difference({ difference }: { difference: BacktestDifference }) {
  const { before, after } = difference;
  const rules = Object.entries(difference.rules);
  return (
    <>
      <section className="card flush" aria-label="In all">
        <table className="table" data-testid="sides">
          <caption className="sr-only">
            What both sides came to over {counted(difference.events, "event")}
          </caption>
          <thead>
            <tr>
              <th scope="col">
                {counted(difference.events, "event")}
                {difference.cut ? ", and there were more" : ""}
              </th>
              <th scope="col" className="number">
                In force
              </th>
              <th scope="col" className="number">
                Tried
              </th>
            </tr>
          </thead>
          <tbody>
            {(
              [
                ["Detections", before.detections, after.detections],
                ["Incidents", before.incidents, after.incidents],
                ["Not judged", before.gaps, after.gaps],
              ] as const
            ).map(([name, was, is]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className="number">{count(was)}</td>
                <td className="number">{was === is ? count(is) : <strong>{count(is)}</strong>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {rules.length === 0 ? (
        <Empty title="Nothing would be different">
          <p>
            Both sides say the same of every event. If a rule was to find something, see that its log source
            has events.
          </p>
        </Empty>
      ) : (
        <RuleTable rules={rules} />
      )}
      <Detections name="New" items={difference.added} total={sum(rules, "added")} />
      <Detections name="Gone" items={difference.removed} total={sum(rules, "removed")} />
    </>
  );
}

type RuleRow = [string, BacktestDifference["rules"][string]];

const sum = (rules: readonly RuleRow[], what: "added" | "removed"): number =>
  rules.reduce((total, [, rule]) => total + rule[what], 0);

function RuleTable({ rules }: { rules: readonly RuleRow[] }) {
  return (
    <section className="card flush" aria-label="By rule">
      <div className="scroll-x" role="region" aria-label="Rules that say something else" tabIndex={0}>
        <table className="table" data-testid="rules">
          <thead>
            <tr>
              <th scope="col">Rule</th>
              <th scope="col" className="number">
                In force
              </th>
              <th scope="col" className="number">
                Tried
              </th>
              <th scope="col" className="number">
                New
              </th>
              <th scope="col" className="number">
                Gone
              </th>
            </tr>
          </thead>
          <tbody>
            {rules.map(([name, rule]) => (
              <tr key={name}>
                <th scope="row" className="row-head mono">
                  <Text value={name} max={200} />
                </th>
                <td className="number">{count(rule.before)}</td>
                <td className="number">{count(rule.after)}</td>
                <td className="number">{count(rule.added)}</td>
                <td className="number">{count(rule.removed)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Detections({
  name,
  items,
  total,
}: {
  name: string;
  items: readonly BacktestDetection[];
  total: number;
}) {
  if (items.length === 0) {
    return null;
  }
  return (
    <section aria-label={`${name} detections`} className="stack tight">
      <h2>
        {name}: {counted(total, "detection")}
        {items.length < total ? `, the first ${items.length}` : ""}
      </h2>
      <div
        className="card flush scroll-x"
        role="region"
        aria-label={`${name} detections, a row for each`}
        tabIndex={0}
      >
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Detection</th>
              <th scope="col">Severity</th>
              <th scope="col">When</th>
              <th scope="col">Event</th>
            </tr>
          </thead>
          <tbody>
            {items.map((each) => (
              <tr key={`${each.rule} ${each.events.join(" ")}`}>
                <th scope="row" className="row-head">
                  <Text value={each.title} max={200} />
                  <span className="second-line muted mono">
                    <Text value={each.asset || each.rule} max={300} />
                  </span>
                </th>
                <td>
                  <SeverityBadge severity={each.severity} />
                </td>
                <td>
                  <Time at={each.at} />
                </td>
                <td>
                  {each.events[0] && (
                    <Link to="/runtime" search={{ event: each.events[0] }}>
                      Show<span className="sr-only"> an event of {each.title}</span>
                    </Link>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
