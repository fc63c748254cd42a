import type { Severity, SeverityCounts } from "../api/types";
import { count } from "../text/number";

/** Worst first: the order of every list and bar. */
export const SEVERITIES: readonly Severity[] = [
  "critical",
  "high",
  "medium",
  "low",
  "negligible",
  "none",
  "unknown",
];

const LEVEL: Record<Severity, number> = {
  critical: 4,
  high: 3,
  medium: 2,
  low: 1,
  negligible: 0,
  none: 0,
  unknown: 0,
};

export const severityName = (severity: string): string =>
  severity.charAt(0).toUpperCase() + severity.slice(1);

const known = (severity: string): Severity =>
  (SEVERITIES as readonly string[]).includes(severity) ? (severity as Severity) : "unknown";

/** Bars that grow with the severity, so that colour is never the only sign. */
export function SeverityMark({ severity }: { severity: string }) {
  const name = known(severity);
  return (
    <svg className={`sev-mark sev-${name}`} viewBox="0 0 16 12" aria-hidden="true" focusable="false">
      {name === "unknown" ? (
        <path className="sev-dash" d="M1 6h3M6.500 6h3M12 6h3" />
      ) : (
        [1, 2, 3, 4].map((bar) => (
          <rect
            key={bar}
            className={bar <= LEVEL[name] ? "sev-on" : "sev-off"}
            x={(bar - 1) * 4 + 0.5}
            y={12 - bar * 3}
            width="3"
            height={bar * 3}
            rx="0.8"
          />
        ))
      )}
    </svg>
  );
}

export function SeverityBadge({ severity }: { severity: string }) {
  return (
    <span className={`sev-badge sev-${known(severity)}`}>
      <SeverityMark severity={severity} />
      {severityName(severity)}
    </span>
  );
}

/** The share of each severity as one bar; the figures stand beside it, so it is decoration to a screen reader. */
export function SeverityBar({ counts }: { counts: SeverityCounts }) {
  const shown = SEVERITIES.filter((severity) => (counts[severity] ?? 0) > 0);
  return (
    <div className="sev-bar" aria-hidden="true">
      {shown.map((severity) => (
        <span
          key={severity}
          className={`sev-fill sev-${severity}`}
          style={{ flexGrow: counts[severity] ?? 0 }}
        />
      ))}
    </div>
  );
}

/** `4 critical, 12 high`, the worst two, for one line of a table. */
export function SeverityLine({ counts }: { counts: SeverityCounts }) {
  const shown = SEVERITIES.filter((severity) => (counts[severity] ?? 0) > 0);
  if (shown.length === 0) return <span className="muted">none open</span>;
  return (
    <span className="sev-line">
      {shown.slice(0, 4).map((severity) => (
        <span
          key={severity}
          className={`sev-count sev-${severity}`}
          title={`${counts[severity]} ${severity}`}
        >
          <SeverityMark severity={severity} />
          {count(counts[severity] ?? 0)}
          <span className="sr-only"> {severity}</span>
        </span>
      ))}
    </span>
  );
}
