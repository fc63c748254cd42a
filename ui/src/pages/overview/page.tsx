import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { advisoriesQuery, overviewQuery } from "../../api/queries";
import type { Overview } from "../../api/types";
import { OPEN } from "../../app/search";
import { lastVisit } from "../../app/visit";
import { SEVERITIES, SeverityBadge, SeverityBar, SeverityMark, severityName } from "../../parts/severity";
import { Empty, Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { shortName } from "../../text/name";
import { count, counted } from "../../text/number";
import { ScanForm } from "../scans/form";
import { Clusters } from "./clusters";
import { Fact } from "./fact";
import { FirstActs } from "./first";
import { Runtime } from "./runtime";

export function OverviewPage() {
  const overview = useQuery(overviewQuery);
  const advisories = useQuery(advisoriesQuery);
  return (
    <main className="page">
      <header className="page-head">
        <h1>Overview</h1>
        {overview.data && (
          <p className="muted">
            <Link to="/images">{counted(overview.data.images, "image")}</Link> with{" "}
            {counted(overview.data.packages, "package")}
            {advisories.data?.as_of && (
              <>
                {" "}
                · judged by <Link to="/advisories">advisories</Link> changed{" "}
                <Time at={advisories.data.as_of} />
              </>
            )}
          </p>
        )}
      </header>
      {overview.isPending ? (
        <Loading rows={8} label="Loading the overview" />
      ) : overview.isLoadingError ? (
        <Failure error={overview.error} retry={() => overview.refetch()} what="the overview" />
      ) : overview.data.images === 0 && overview.data.scans_running === 0 ? (
        <>
          <FirstScan />
          <Runtime />
        </>
      ) : (
        <Wrong overview={overview.data} />
      )}
    </main>
  );
}

function FirstScan() {
  return (
    <Empty icon="scans" title="Nothing has been scanned yet">
      <p>
        Give an image reference or a directory of this server. Findings appear here as soon as the scan is
        done. <Link to="/start">All first steps</Link>, with commands to copy.
      </p>
      <div className="card">
        <ScanForm />
      </div>
    </Empty>
  );
}

function Wrong({ overview }: { overview: Overview }) {
  const [since] = useState(lastVisit);
  const total = SEVERITIES.reduce((sum, severity) => sum + (overview.findings_by_severity[severity] ?? 0), 0);
  const shown = SEVERITIES.filter(
    (severity) =>
      !["negligible", "none", "unknown"].includes(severity) ||
      (overview.findings_by_severity[severity] ?? 0) > 0,
  );
  return (
    <>
      <section className="card" aria-labelledby="by-severity">
        <div className="card-head">
          <h2 id="by-severity">Open findings</h2>
          <Link to="/findings" search={OPEN} data-count="all">
            {total === 0 ? "none" : `${count(total)} in all`}
          </Link>
        </div>
        <SeverityBar counts={overview.findings_by_severity} />
        <ul className="tiles">
          {shown.map((severity) => {
            const value = overview.findings_by_severity[severity] ?? 0;
            return (
              <li key={severity}>
                <Link
                  to="/findings"
                  search={{ ...OPEN, severity }}
                  className={value === 0 ? "tile zero" : `tile sev-${severity}`}
                  data-count={`severity:${severity}`}
                >
                  <span className="tile-name">
                    <SeverityMark severity={severity} />
                    {severityName(severity)}
                  </span>
                  <span className="tile-value">{count(value)}</span>
                </Link>
              </li>
            );
          })}
        </ul>
      </section>

      <ul className="facts">
        <Fact
          icon="flame"
          name="Known exploited"
          value={overview.kev_open}
          tone="bad"
          note={overview.kev_open > 0 ? "Attackers use these now: mend them first" : "None is on CISA’s list"}
        >
          <Link to="/findings" search={{ ...OPEN, kev: "true" }} data-count="kev" />
        </Fact>
        <Fact
          icon="wrench"
          name="Fix available"
          value={overview.fixable_open}
          tone="good"
          note={
            overview.fixable_open > 0
              ? "A release without the risk exists"
              : "Nothing can be upgraded away now"
          }
        >
          <Link to="/findings" search={{ ...OPEN, fixable: "true" }} data-count="fixable" />
        </Fact>
        <Fact
          icon="gap"
          name="Coverage gaps"
          value={overview.gaps}
          tone="warn"
          note={
            overview.gaps > 0
              ? "Places that the scans could not judge"
              : "Everything was looked at and judged"
          }
        >
          <Link to="/images" data-count="gaps" />
        </Fact>
        <Fact
          icon="scans"
          name="Running scans"
          value={overview.scans_running}
          tone="calm"
          note={overview.scans_running > 0 ? "Queued or at work" : "Start one on the scans page"}
        >
          <Link to="/scans" />
        </Fact>
      </ul>
      <FirstActs />
      <Runtime />
      <Clusters />

      <section className="card flush" aria-labelledby="newest">
        <div className="card-head">
          <h2 id="newest">Newest findings</h2>
          <Link to="/findings" search={{ ...OPEN, sort: "-last_seen" }}>
            All, latest first
          </Link>
        </div>
        {overview.newest.length === 0 ? (
          <Empty title="No finding is open">
            <p>
              Before you trust that, look at the <Link to="/scans">coverage of the scans</Link>.
            </p>
          </Empty>
        ) : (
          <ul className="rows">
            {overview.newest.map((row) => (
              <li key={row.fingerprint}>
                <Link to="/findings" search={{ ...OPEN, finding: row.fingerprint }} className="row-link">
                  <SeverityBadge severity={row.severity} />
                  <span className="row-main">
                    {Date.parse(row.first_seen_at) > since && (
                      <>
                        <span className="tag open" title="Since you were last here, in this browser">
                          New
                        </span>{" "}
                      </>
                    )}
                    <strong className="mono">
                      <Text value={row.rule} max={80} />
                    </strong>{" "}
                    <span className="muted">
                      <Text value={row.title} max={160} />
                    </span>
                  </span>
                  <span className="row-side muted">
                    <Text
                      value={row.package ? `${row.package.name} ${row.package.version}` : row.class}
                      max={80}
                    />
                  </span>
                  <span className="row-side muted">
                    <Text value={shortName(row.asset.name)} max={80} />
                  </span>
                  <span className="row-time muted">
                    <Time at={row.first_seen_at} short />
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}
