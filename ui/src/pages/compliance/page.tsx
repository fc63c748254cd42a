// One framework over one cluster or account: score with coverage, how it went, and every control with its proof.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { API, queryString } from "../../api/client";
import type { AssessmentDetail, Control } from "../../api/posture";
import { assessmentQuery } from "../../api/posture-queries";
import { toggled } from "../../app/search";
import type { ControlSearch } from "../../app/search-posture";
import { Icon } from "../../parts/icon";
import { Popover } from "../../parts/popover";
import { SearchField } from "../../parts/search-field";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { countOf, frameworkName, STATUSES, statusMeaning, statusName } from "../../text/control";
import { count, counted } from "../../text/number";
import { Controls } from "./controls";
import { Score, StatusBar } from "./figures";
import { Trend } from "./trend";

const route = getRouteApi("/compliance/$framework/$scope");

export function FrameworkPage() {
  const { framework, scope } = route.useParams();
  const { scan } = route.useSearch();
  const assessment = useQuery(assessmentQuery(framework, scope, scan));
  return (
    <main className="page">
      <p className="crumbs">
        <Link to="/compliance">Compliance</Link>
        <Icon name="right" />
      </p>
      {assessment.isPending ? (
        <Loading rows={10} label="Loading the assessment" />
      ) : assessment.isLoadingError ? (
        <Failure error={assessment.error} retry={() => assessment.refetch()} what="this assessment" />
      ) : (
        <Assessment assessment={assessment.data} />
      )}
    </main>
  );
}

function matches(control: Control, search: ControlSearch): boolean {
  if (search.status && !search.status.split(",").includes(control.status)) return false;
  if (!search.q) return true;
  const text = `${control.control} ${control.title} ${control.rationale}`.toLowerCase();
  return text.includes(search.q.toLowerCase());
}

function Assessment({ assessment }: { assessment: AssessmentDetail }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const change = useCallback(
    (next: ControlSearch) => void navigate({ search: (before) => ({ ...before, ...next }) }),
    [navigate],
  );
  const setText = useCallback((q: string) => change({ q: q.trim() || undefined }), [change]);
  const shown = useMemo(
    () => assessment.controls.filter((each) => matches(each, search)),
    [assessment, search],
  );
  const narrowed = search.status !== undefined || search.q !== undefined;
  const newest = assessment.trend[0]?.scan;
  return (
    <>
      <header className="page-head">
        <h1>
          <Text value={frameworkName(assessment.framework)} max={120} />
        </h1>
        <p className="muted">
          <Link to="/inventory" search={{ scope: assessment.scope }}>
            <Text value={assessment.scope_name} max={200} />
          </Link>
          , assessed <Time at={assessment.at} /> by{" "}
          <Link to="/scans/$id" params={{ id: assessment.scan }}>
            scan {assessment.scan.slice(0, 8)}
          </Link>
        </p>
      </header>
      <div className="stack">
        {newest !== undefined && newest !== assessment.scan && (
          <p className="note">
            This is not the newest assessment.{" "}
            <Link
              to="/compliance/$framework/$scope"
              params={{ framework: assessment.framework, scope: assessment.scope }}
              search={{ ...search, scan: undefined }}
            >
              Show the newest
            </Link>
          </p>
        )}
        <div className="two">
          <section className="card" aria-labelledby="score">
            <div className="card-head">
              <h2 id="score">Score and coverage</h2>
              <Reports assessment={assessment} />
            </div>
            <div className="big-score">
              <Score counts={assessment.summary} />
            </div>
            {(assessment.accepted ?? 0) > 0 && (
              <p>
                <Link to="/compliance/exceptions" search={{ framework: assessment.framework }}>
                  {counted(assessment.accepted ?? 0, "failing control")} accepted
                </Link>
                {typeof assessment.score_without_accepted === "number" && (
                  <>: without them the score would be {assessment.score_without_accepted} of 100</>
                )}
                .
              </p>
            )}
            <StatusBar counts={assessment.summary} />
            <Statuses assessment={assessment} search={search} />
          </section>
          <Trend
            assessment={assessment}
            table={search.as === "table"}
            onTable={(table) => change({ as: table ? "table" : undefined })}
          />
        </div>
        <div className="toolbar">
          <SearchField value={search.q ?? ""} onChange={setText} label="Search controls" />
          <p className="muted" role="status" data-testid="shown">
            {narrowed
              ? `${count(shown.length)} of ${counted(assessment.controls.length, "control")}`
              : counted(shown.length, "control")}
          </p>
          {narrowed && (
            <button
              type="button"
              className="button ghost small"
              onClick={() => change({ status: undefined, q: undefined })}
            >
              Show all
            </button>
          )}
        </div>
        {shown.length === 0 ? (
          <Empty icon="filter" title="No control matches" />
        ) : (
          <Controls assessment={assessment} controls={shown} narrowed={narrowed} />
        )}
      </div>
    </>
  );
}

/** The figures are the filter: each status with its number, several at once. */
function Statuses({ assessment, search }: { assessment: AssessmentDetail; search: ControlSearch }) {
  const on = search.status?.split(",") ?? [];
  return (
    <ul className="status-filter" aria-label="Filter by status">
      {STATUSES.map((status) => (
        <li key={status}>
          <Link
            to="/compliance/$framework/$scope"
            params={{ framework: assessment.framework, scope: assessment.scope }}
            search={{ ...search, status: toggled(search.status, status) }}
            activeOptions={{ exact: true }}
            activeProps={{ "aria-current": on.includes(status) ? "true" : undefined }}
            inactiveProps={{ "aria-current": on.includes(status) ? "true" : undefined }}
            className={on.includes(status) ? "on" : ""}
            title={statusMeaning(status)}
            data-count={status}
          >
            <span className={`dot fill-${status}`} aria-hidden="true" />
            <span className="status-name">{statusName(status)}</span>
            <strong>{count(countOf(assessment.summary, status))}</strong>
          </Link>
        </li>
      ))}
    </ul>
  );
}

const FILES = [
  { name: "Report, HTML", path: "report", query: { format: "html" } },
  { name: "Report, PDF", path: "report", query: { format: "pdf" } },
  { name: "OSCAL assessment results", path: "oscal", query: { document: "assessment-results" } },
  { name: "OSCAL plan of action (POA&M)", path: "oscal", query: { document: "poam" } },
  { name: "OSCAL component definition", path: "oscal", query: { document: "component-definition" } },
] as const;

function Reports({ assessment }: { assessment: AssessmentDetail }) {
  const base = `${API}/compliance/${encodeURIComponent(assessment.framework)}/${encodeURIComponent(assessment.scope)}`;
  return (
    <Popover label="Reports" button="Reports">
      <ul className="downloads">
        {FILES.map((file) => (
          <li key={file.name}>
            <a href={`${base}/${file.path}${queryString({ ...file.query, scan: assessment.scan })}`} download>
              {file.name}
            </a>
          </li>
        ))}
      </ul>
    </Popover>
  );
}
