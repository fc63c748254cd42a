// What the internet gets to: each way in with the objects it leads through and what decides.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Entry, Exposed, ExposureAnswer } from "../../api/posture";
import { exposureQuery } from "../../api/posture-queries";
import { ResourceLink } from "../../parts/resource-link";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { TwinSwitch } from "../../parts/twin";
import { VerdictTag } from "../../parts/verdict";
import { count, counted } from "../../text/number";
import { doorName, portWord, resourceBox, VERDICT_ORDER, verdictMeaning, verdictName } from "../../text/path";
import { isAccount, shortPath } from "../../text/resource";
import { Arrow, BoxView, Unknown } from "./drawing";
import { Chip } from "./filters";
import type { ViewProps } from "./page";

export function Exposure({ cluster, search, onChange }: ViewProps) {
  const answer = useQuery(exposureQuery(cluster.id));
  return (
    <div className="stack">
      <div className="toolbar graph-tools">
        <span className="push">
          <TwinSwitch
            table={search.as === "table"}
            label="Ways in as"
            onChange={(table) => onChange({ as: table ? "table" : undefined })}
          />
        </span>
      </div>
      {search.workload && (
        <ul className="chips" aria-label="Filters in force">
          <Chip
            name="to"
            value={shortPath(search.workload)}
            onRemove={() => onChange({ workload: undefined })}
          />
        </ul>
      )}
      {answer.isPending ? (
        <Loading rows={8} label="Loading ways in" />
      ) : answer.isLoadingError ? (
        <Failure error={answer.error} retry={() => answer.refetch()} what="what the internet gets to" />
      ) : (
        <Answer answer={answer.data} cluster={cluster} search={search} onChange={onChange} />
      )}
    </div>
  );
}

function Answer({ answer, cluster, search }: ViewProps & { answer: ExposureAnswer }) {
  const what = isAccount(cluster.id) ? "resource" : "workload";
  const shown = search.workload
    ? answer.workloads.filter((each) => each.workload === search.workload)
    : answer.workloads;
  const verdicts = VERDICT_ORDER.map(
    (verdict) => [verdict, answer.workloads.filter((each) => each.verdict === verdict).length] as const,
  ).filter(([, number]) => number > 0);
  return (
    <>
      <p role="status" data-testid="shown">
        <strong>{counted(answer.total, what)}</strong>{" "}
        <span className="muted">
          that something opens a door to
          {verdicts.length > 0 && ": "}
        </span>
        {verdicts.map(([verdict, number], index) => (
          <span key={verdict}>
            {index > 0 && ", "}
            <Link
              to="/inventory"
              search={{ scope: cluster.id, exposure: verdict }}
              title={verdictMeaning(verdict)}
            >
              {count(number)} {verdictName(verdict).toLowerCase()}
            </Link>
          </span>
        ))}
        {answer.total > answer.workloads.length && (
          <span className="muted">
            {" "}
            The {count(answer.workloads.length)} that traffic gets to first are here.
          </span>
        )}
      </p>
      <Unknown unknown={answer.unknown} />
      {shown.length === 0 ? (
        <Empty title={search.workload ? `No door leads to this ${what}` : "No door leads in"}>
          <p>As far as tells what was read of the {isAccount(cluster.id) ? "account" : "cluster"}.</p>
        </Empty>
      ) : search.as === "table" ? (
        <WayTable workloads={shown} scope={cluster.id} />
      ) : (
        <ol className="paths" data-testid="ways">
          {shown.map((each) => (
            <li key={each.workload} className="card path">
              <h2 className="path-title">
                <Text value={shortPath(each.workload)} max={200} /> <VerdictTag verdict={each.verdict} />{" "}
                <Link
                  to="/graph"
                  search={{ cluster: search.cluster, as: search.as, from: "all", workload: each.workload }}
                  className="onward"
                >
                  How far from here
                </Link>
              </h2>
              {each.entries.map((entry) => (
                <Way key={entryKey(entry)} entry={entry} scope={cluster.id} />
              ))}
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

const entryKey = (entry: Entry): string => JSON.stringify(entry);

function Way({ entry, scope }: { entry: Entry; scope: string }) {
  return (
    <ol className="drawing">
      <li>
        <BoxView
          box={{ kind: "From", name: "Internet", path: null }}
          scope={scope}
          tone="source"
          icon="globe"
        />
      </li>
      {entry.path.map((path, index) => {
        const last = index === entry.path.length - 1;
        return (
          <li className="step" key={path}>
            <Arrow
              how={index === 0 ? doorName(entry.door) : last && !isAccount(scope) ? "Selects" : "Sends to"}
            >
              {index === 0 && portWord(entry)}
              {last && (
                <span className={index === 0 ? "grant" : ""}>
                  {verdictName(entry.verdict)}: <Text value={entry.why} max={300} />
                  <Policies entry={entry} scope={scope} />
                </span>
              )}
            </Arrow>
            <BoxView box={resourceBox(path)} scope={scope} tone={last ? "goal" : ""} />
          </li>
        );
      })}
    </ol>
  );
}

const Policies = ({ entry, scope }: { entry: Entry; scope: string }) =>
  entry.policies.map((path) => (
    <span key={path} className="grant">
      <ResourceLink scope={scope} path={path} />
    </span>
  ));

function WayTable({ workloads, scope }: { workloads: readonly Exposed[]; scope: string }) {
  return (
    <section className="card flush" aria-label="Ways in as a table">
      <div className="scroll-x" role="region" aria-label="Ways in, a row for each" tabIndex={0}>
        <table className="table" data-testid="ways-table">
          <thead>
            <tr>
              <th scope="col">{isAccount(scope) ? "Resource" : "Workload"}</th>
              <th scope="col">Verdict</th>
              <th scope="col">Door</th>
              <th scope="col">Port</th>
              <th scope="col">Through</th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          {workloads.map((each) => (
            <tbody key={each.workload}>
              {each.entries.map((entry, index) => (
                <tr key={entryKey(entry)}>
                  {index === 0 && (
                    <th scope="rowgroup" rowSpan={each.entries.length} className="row-head">
                      <ResourceLink scope={scope} path={each.workload} />
                    </th>
                  )}
                  <td>
                    <VerdictTag verdict={entry.verdict} />
                  </td>
                  <td data-label="Door">{doorName(entry.door)}</td>
                  <td data-label="Port">{portWord(entry)}</td>
                  <td className="wide">
                    {entry.path.map((path, at) => (
                      <span key={path}>
                        {at > 0 && " → "}
                        <ResourceLink scope={scope} path={path} />
                      </span>
                    ))}
                  </td>
                  <td className="wide">
                    <Text value={entry.why} max={300} />
                    <Policies entry={entry} scope={scope} />
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
