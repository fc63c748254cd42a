import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type Stream, useFollowScan } from "../../api/follow";
import { scanQuery } from "../../api/queries";
import type { Scan } from "../../api/types";
import { OPEN } from "../../app/search";
import { Icon } from "../../parts/icon";
import { SEVERITIES, SeverityBar, SeverityMark, severityName } from "../../parts/severity";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted } from "../../text/number";
import { duration } from "../../text/time";
import { ScanStateTag } from "./state";

const route = getRouteApi("/scans/$id");

export function ScanPage() {
  const { id } = route.useParams();
  const scan = useQuery(scanQuery(id));
  const stream = useFollowScan(id, scan.data?.state);
  return (
    <main className="page">
      <p className="crumbs">
        <Link to="/scans">Scans</Link>
        <Icon name="right" />
      </p>
      {scan.isPending ? (
        <Loading rows={6} label="Loading the scan" />
      ) : scan.isLoadingError ? (
        <Failure error={scan.error} retry={() => scan.refetch()} what="this scan" />
      ) : (
        <ScanView scan={scan.data} stream={stream} />
      )}
    </main>
  );
}

const STREAM: Record<Stream, string> = {
  connecting: "Connecting to the live view …",
  live: "Live: this page follows the scan",
  waiting: "The live view was interrupted; asking again every few seconds",
  ended: "",
};

function ScanView({ scan, stream }: { scan: Scan; stream: Stream }) {
  const steps = [
    ["Submitted", scan.submitted_at],
    ["Started", scan.started_at],
    [scan.state === "failed" ? "Failed" : "Finished", scan.finished_at],
  ] as const;
  return (
    <>
      <header className="page-head">
        <h1>
          <Text value={scan.reference} max={300} />
        </h1>
        <p className="tags" aria-live="polite" data-testid="scan-state">
          <ScanStateTag state={scan.state} />
          <span className="tag">{scan.kind}</span>
          {scan.source && <span className="tag">report of {scan.source}</span>}
          {scan.platform && <span className="tag">{scan.platform}</span>}
          {STREAM[stream] && (
            <span className={stream === "live" ? "live muted" : "muted"}>{STREAM[stream]}</span>
          )}
        </p>
      </header>
      <section className="card" aria-label="Progress">
        <ol className="progress">
          {steps.map(([name, at], index) => {
            const now = !at && (index === 0 || Boolean(steps[index - 1]?.[1]));
            return (
              <li
                key={name}
                className={at ? "done" : now ? "now" : ""}
                aria-current={now ? "step" : undefined}
              >
                <strong>{name}</strong>
                {at ? <Time at={at} /> : <span className="muted">{now ? "under way" : "not yet"}</span>}
              </li>
            );
          })}
        </ol>
        {duration(scan.started_at, scan.finished_at) && (
          <p className="muted">Took {duration(scan.started_at, scan.finished_at)}</p>
        )}
        <p className="muted">
          Scan <code>{scan.id}</code>
        </p>
      </section>
      {scan.error && (
        <section className="card failure" role="alert" aria-label="What went wrong">
          <h2>What went wrong</h2>
          <p>
            <Text value={scan.error.message} max={2000} lines />
          </p>
          <p className="muted mono">{scan.error.code}</p>
          <Link to="/scans" className="button">
            Start another scan
          </Link>
        </section>
      )}
      {scan.summary && <Result scan={scan} />}
    </>
  );
}

function Result({ scan }: { scan: Scan }) {
  const summary = scan.summary;
  if (!summary) return null;
  const here = { ...OPEN, ...(scan.asset ? { asset: scan.asset } : {}) };
  const total = SEVERITIES.reduce((sum, severity) => sum + (summary.findings[severity] ?? 0), 0);
  return (
    <section className="card" aria-labelledby="result">
      <div className="card-head">
        <h2 id="result">What it found</h2>
        {scan.asset && (
          <Link to="/images/$id" params={{ id: scan.asset }}>
            {counted(summary.packages, "package")}, coverage and layers
          </Link>
        )}
      </div>
      <SeverityBar counts={summary.findings} />
      <ul className="tiles small">
        {SEVERITIES.filter((severity) => (summary.findings[severity] ?? 0) > 0).map((severity) => (
          <li key={severity}>
            <Link to="/findings" search={{ ...here, severity }} className={`tile sev-${severity}`}>
              <span className="tile-name">
                <SeverityMark severity={severity} />
                {severityName(severity)}
              </span>
              <span className="tile-value">{count(summary.findings[severity] ?? 0)}</span>
            </Link>
          </li>
        ))}
      </ul>
      {total === 0 && (
        <p>No finding. {summary.gaps > 0 && "But there are coverage gaps, so this is not a clean bill."}</p>
      )}
      <p>
        {count(summary.opened)} new, {count(summary.fixed)} fixed, {count(summary.reopened)} back since the
        scan before.{" "}
        {summary.gaps > 0 ? (
          <span className="tag warn">
            <Icon name="gap" /> {counted(summary.gaps, "coverage gap")}
          </span>
        ) : (
          <span className="tag good">
            <Icon name="check" /> No coverage gap
          </span>
        )}
      </p>
      {total > 0 && (
        <Link to="/findings" search={here} className="button primary">
          Open its findings
        </Link>
      )}
    </section>
  );
}
