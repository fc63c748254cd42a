// The state of things on paper: for somebody who will not sign in. Made from the same answers as the pages, each figure
// with the rows it counts.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useHealth } from "../../api/health";
import { assessmentsQuery } from "../../api/posture-queries";
import { overviewQuery, wholeFindingsQuery } from "../../api/queries";
import { openIncidentsQuery, TOLD_MAX } from "../../api/runtime-queries";
import { type FindingSearch, OPEN } from "../../app/search";
import { SEVERITIES, SeverityBadge, severityName } from "../../parts/severity";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { controlsOf, frameworkName, told } from "../../text/control";
import { type Group, groupsOf } from "../../text/groups";
import { healthOf } from "../../text/health";
import { shortName } from "../../text/name";
import { count, counted } from "../../text/number";
import { absolute } from "../../text/time";

/** Rows of each table: a report names the few, the pages have all. */
const TOP = 10;

export function ReportPage() {
  const overview = useQuery(overviewQuery);
  return (
    <main className="page report">
      <header className="page-head">
        <h1>Report</h1>
        <p className="muted">
          As of {absolute(new Date(overview.dataUpdatedAt || Date.now()).toISOString())}. Open findings that
          are not suppressed, open incidents, the latest assessments.
        </p>
        <p className="toolbar">
          <button type="button" className="button primary" onClick={() => window.print()}>
            Print or save as PDF
          </button>
          <Link to="/compliance" className="button">
            Reports of a framework
          </Link>
          <Link to="/compliance/evidence" className="button">
            Evidence for an audit
          </Link>
        </p>
      </header>
      {overview.isPending ? (
        <Loading rows={10} label="Reading the figures" />
      ) : overview.isLoadingError ? (
        <Failure error={overview.error} retry={() => overview.refetch()} what="the figures" />
      ) : (
        <div className="stack">
          <section className="card" aria-labelledby="report-wrong">
            <h2 id="report-wrong">What is wrong</h2>
            <table className="small-table">
              <thead>
                <tr>
                  <th scope="col">Open findings</th>
                  <th scope="col" className="number">
                    Number
                  </th>
                </tr>
              </thead>
              <tbody>
                {SEVERITIES.map((severity) => (
                  <Figure
                    key={severity}
                    name={severityName(severity)}
                    value={overview.data.findings_by_severity[severity] ?? 0}
                    search={{ ...OPEN, severity }}
                  />
                ))}
                <Figure
                  name="Known to be exploited"
                  value={overview.data.kev_open}
                  search={{ ...OPEN, kev: "true" }}
                />
                <Figure
                  name="With a fix available"
                  value={overview.data.fixable_open}
                  search={{ ...OPEN, fixable: "true" }}
                />
              </tbody>
            </table>
          </section>
          <Incidents />
          <Tops />
          <Frameworks />
          <Limits />
        </div>
      )}
    </main>
  );
}

function Figure({ name, value, search }: { name: string; value: number; search: FindingSearch }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td className="number">
        <Link to="/findings" search={search}>
          {count(value)}
        </Link>
      </td>
    </tr>
  );
}

function Incidents() {
  const incidents = useQuery(openIncidentsQuery);
  if (!incidents.data) return null;
  const { items, next } = incidents.data;
  return (
    <section className="card" aria-labelledby="report-incidents">
      <h2 id="report-incidents">Incidents that nobody has begun with</h2>
      <p>
        <Link to="/incidents" search={{ status: "open" }}>
          {next ? `More than ${TOLD_MAX}` : items.length === 0 ? "None" : count(items.length)}
        </Link>
      </p>
      <ul className="plain">
        {items.slice(0, TOP).map((incident) => (
          <li key={incident.id}>
            <SeverityBadge severity={incident.severity} />{" "}
            <Link to="/incidents/$id" params={{ id: incident.id }}>
              <Text value={incident.title} max={200} />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Tops() {
  const list = useQuery(wholeFindingsQuery({ ...OPEN, class: "vulnerability", sort: "severity" }));
  const updates = useMemo(() => groupsOf(list.data?.rows ?? [], "fix").slice(0, TOP), [list.data]);
  const assets = useMemo(() => groupsOf(list.data?.rows ?? [], "asset").slice(0, TOP), [list.data]);
  if (list.isPending) return <Loading rows={6} label="Reading the vulnerabilities" />;
  if (list.isLoadingError)
    return <Failure error={list.error} retry={() => list.refetch()} what="the vulnerabilities" />;
  return (
    <>
      {list.data.cut && (
        <p className="note">
          The two tables below are made of the worst {count(list.data.rows.length)} vulnerabilities; there are
          more.
        </p>
      )}
      <Top
        title="The updates that end the most"
        rows={updates}
        name={(group) => `${group.worst.package?.name ?? ""} to ${group.versions.join(", ")}`}
        search={(group) => ({
          ...OPEN,
          class: "vulnerability",
          fixable: "true",
          package: group.worst.package?.name,
        })}
      />
      <Top
        title="The assets with the worst"
        rows={assets}
        name={(group) => shortName(group.worst.asset.name)}
        search={(group) => ({ ...OPEN, class: "vulnerability", asset: group.worst.asset.id })}
      />
    </>
  );
}

function Top({
  title,
  rows,
  name,
  search,
}: {
  title: string;
  rows: readonly Group[];
  name: (group: Group) => string;
  search: (group: Group) => FindingSearch;
}) {
  if (rows.length === 0) return null;
  return (
    <section className="card" aria-label={title}>
      <h2>{title}</h2>
      <div className="scroll-x" tabIndex={0} role="region" aria-label={title}>
        <table className="small-table">
          <thead>
            <tr>
              <th scope="col">Worst</th>
              <th scope="col">Name</th>
              <th scope="col">Exploited</th>
              <th scope="col" className="number">
                Findings
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((group) => (
              <tr key={group.key}>
                <td>
                  <SeverityBadge severity={group.worst.severity} />
                </td>
                <th scope="row">
                  <Text value={name(group)} max={160} />
                </th>
                <td>{group.kev ? "Known" : "–"}</td>
                <td className="number">
                  <Link to="/findings" search={search(group)}>
                    {count(group.findings)}
                  </Link>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Frameworks() {
  const assessments = useQuery(assessmentsQuery);
  const rows = assessments.data?.items ?? [];
  if (rows.length === 0) return null;
  return (
    <section className="card" aria-label="Compliance">
      <h2>Compliance</h2>
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Compliance, by framework">
        <table className="small-table">
          <thead>
            <tr>
              <th scope="col">Framework</th>
              <th scope="col">Of</th>
              <th scope="col" className="number">
                Score
              </th>
              <th scope="col" className="number">
                Covers
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.framework} ${row.scope}`}>
                <th scope="row">
                  <Link
                    to="/compliance/$framework/$scope"
                    params={{ framework: row.framework, scope: row.scope }}
                    preload={false}
                  >
                    {frameworkName(row.framework)}
                  </Link>
                </th>
                <td>
                  <Text value={shortName(row.scope_name)} max={80} />
                </td>
                <td className="number">
                  {typeof row.summary.score === "number" ? `${count(row.summary.score)} of 100` : "not told"}
                </td>
                <td className="number">
                  {count(told(row.summary))} of {counted(controlsOf(row.summary), "control")}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** A report that does not say what it could not see is a wrong one. */
function Limits() {
  const { facts, pending } = useHealth();
  if (pending) return null;
  const lines = healthOf(facts, Date.now()).filter((line) => line.level !== "good");
  return (
    <section className="card" aria-labelledby="report-limits">
      <h2 id="report-limits">What this report cannot see</h2>
      {lines.length === 0 ? (
        <p>Nothing that is known of: data, scans, sensors and plugins are well.</p>
      ) : (
        <ul className="plain">
          {lines.map((line) => (
            <li key={line.area}>
              <p>
                <strong>{line.area}</strong>: <Link to={line.to}>{line.says}</Link>. {line.why}
              </p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
