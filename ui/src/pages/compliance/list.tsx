import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { AssessmentRow } from "../../api/posture";
import { assessmentsQuery } from "../../api/posture-queries";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { frameworkName, told } from "../../text/control";
import { count, counted } from "../../text/number";
import { Choice } from "../graph/filters";
import { Score, StatusBar, StatusLinks } from "./figures";
import { ComplianceHead } from "./head";

const route = getRouteApi("/compliance");

export function CompliancePage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useQuery(assessmentsQuery);
  const all = list.data?.items ?? [];
  const scopes = new Map(all.map((row) => [row.scope, row.scope_name]));
  const items = search.scope ? all.filter((row) => row.scope === search.scope) : all;
  const judged = items.filter((row) => told(row.summary) > 0);
  const silent = items.filter((row) => told(row.summary) === 0);
  return (
    <main className="page">
      <ComplianceHead at="/compliance" />
      {list.isPending ? (
        <Loading rows={10} label="Loading assessments" />
      ) : list.isLoadingError ? (
        <Failure error={list.error} retry={() => list.refetch()} what="assessments" />
      ) : all.length === 0 ? (
        <Empty icon="compliance" title="Nothing has been assessed yet">
          <p>Each scan of a cluster or account is assessed by every framework.</p>
          <Link to="/scans" className="button primary">
            Scan a cluster
          </Link>
        </Empty>
      ) : (
        <div className="stack">
          <div className="toolbar">
            <p className="muted" role="status" data-testid="shown">
              {counted(judged.length, "assessment")} of{" "}
              {counted(scopes.size, "cluster or account", "clusters and accounts")}. A score weighs only what
              could be told: read it with the figure beside it.
            </p>
            {scopes.size > 1 && (
              <Choice
                label="Cluster or account"
                value={search.scope ?? ""}
                options={[["", "all"], ...scopes]}
                onChange={(scope) => void navigate({ search: { scope: scope || undefined } })}
              />
            )}
          </div>
          {judged.length > 0 ? (
            <Assessments rows={judged} label="Assessments" />
          ) : (
            <Empty icon="gap" title="Nothing could be told of any framework">
              <p>What the scans read says nothing about its controls.</p>
            </Empty>
          )}
          {silent.length > 0 && (
            <details className="card folded">
              <summary>
                Nothing could be told of {counted(silent.length, "assessment")}:{" "}
                {[...new Set(silent.map((row) => frameworkName(row.framework)))].join(", ")}
              </summary>
              <Assessments rows={silent} label="Assessments of which nothing could be told" />
            </details>
          )}
        </div>
      )}
    </main>
  );
}

/** Frameworks by scopes: one body for each framework, one row for each scope that it judged. */
function Assessments({ rows, label }: { rows: readonly AssessmentRow[]; label: string }) {
  const frameworks = Map.groupBy(rows, (row) => row.framework);
  return (
    <section className="card flush" aria-label={label}>
      <table className="table assessments">
        <thead>
          <tr>
            <th scope="col">Framework</th>
            <th scope="col">Cluster or account</th>
            <th scope="col">Score and coverage</th>
            <th scope="col">Controls</th>
            <th scope="col" className="number">
              Assessed
            </th>
          </tr>
        </thead>
        {[...frameworks].map(([framework, list]) => (
          <tbody key={framework}>
            {list.map((row) => (
              <tr key={row.scope}>
                <th scope="row" className="row-head">
                  <Link
                    to="/compliance/$framework/$scope"
                    params={{ framework: row.framework, scope: row.scope }}
                    preload={false}
                  >
                    <Text value={frameworkName(framework)} max={120} />
                  </Link>
                </th>
                <td className="wide muted-strong">
                  <Text value={row.scope_name} max={200} />
                </td>
                <td>
                  <Score counts={row.summary} />
                </td>
                <td className="wide">
                  <StatusBar counts={row.summary} />
                  <StatusLinks row={row} />
                </td>
                <td className="number" data-label="Assessed">
                  <Time at={row.at} />
                </td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
      <p className="sr-only">{count(rows.length)} rows</p>
    </section>
  );
}
