import { Link } from "@tanstack/react-router";
import type { Scan } from "../../api/types";
import { SeverityLine } from "../../parts/severity";
import { Empty } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count } from "../../text/number";
import { duration } from "../../text/time";
import { ScanStateTag } from "./state";

/** A short list of scans, as cards where the screen is narrow. */
export function ScanTable({ scans, label }: { scans: readonly Scan[]; label: string }) {
  if (scans.length === 0) {
    return (
      <Empty icon="scans" title="No scan yet">
        <p>Scans appear here as soon as they are accepted.</p>
      </Empty>
    );
  }
  return (
    <table className="table">
      <caption className="sr-only">{label}</caption>
      <thead>
        <tr>
          <th scope="col">State</th>
          <th scope="col">What</th>
          <th scope="col">Findings</th>
          <th scope="col" className="number">
            Packages
          </th>
          <th scope="col" className="number">
            Gaps
          </th>
          <th scope="col">Submitted</th>
          <th scope="col" className="number">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {scans.map((scan) => (
          <tr key={scan.id}>
            <td>
              <ScanStateTag state={scan.state} />
            </td>
            <td className="wide">
              <Link to="/scans/$id" params={{ id: scan.id }}>
                <Text value={scan.reference} max={200} />
              </Link>{" "}
              <span className="muted">{scan.kind}</span>
              {scan.source && <span className="second-line muted">report of {scan.source}</span>}
            </td>
            <td>
              {scan.summary ? (
                <SeverityLine counts={scan.summary.findings} />
              ) : scan.error ? (
                <span className="mono muted">{scan.error.code}</span>
              ) : (
                <span className="muted">–</span>
              )}
            </td>
            <td className="number" data-label="Packages">
              {scan.summary ? count(scan.summary.packages) : "–"}
            </td>
            <td className="number" data-label="Gaps">
              {scan.summary ? (
                scan.summary.gaps > 0 ? (
                  <span className="tag warn">{count(scan.summary.gaps)}</span>
                ) : (
                  "0"
                )
              ) : (
                "–"
              )}
            </td>
            <td>
              <Time at={scan.submitted_at} />
            </td>
            <td className="number">{duration(scan.started_at, scan.finished_at) || "–"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
