// A score is never shown alone: beside it stands of how many controls something could be told.

import { Link } from "@tanstack/react-router";
import type { AssessmentRow, ControlCounts } from "../../api/posture";
import type { ControlSearch } from "../../app/search-posture";
import { controlsOf, countOf, STATUSES, statusName, told } from "../../text/control";
import { count, counted, percent } from "../../text/number";

export function Score({ counts }: { counts: ControlCounts }) {
  const all = controlsOf(counts);
  const score = counts.score ?? null;
  return (
    <span className="score">
      {score === null ? (
        <strong className="score-none">no score</strong>
      ) : (
        <strong className="score-value">
          {score}
          <span className="muted"> of 100</span>
        </strong>
      )}
      <span className="muted score-told">
        covers {count(told(counts))} of {counted(all, "control")}
        {all > 0 && <>, {percent(told(counts) / all)}</>}
      </span>
    </span>
  );
}

/** The share of each status as one bar; the figures stand beside it, so it is decoration to a screen reader. */
export function StatusBar({ counts }: { counts: ControlCounts }) {
  return (
    <svg
      className="status-bar"
      viewBox={`0 0 ${Math.max(1, controlsOf(counts))} 1`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      {STATUSES.map((status, index) => {
        const before = STATUSES.slice(0, index).reduce((sum, each) => sum + countOf(counts, each), 0);
        return (
          <rect
            key={status}
            className={`fill-${status}`}
            x={before}
            y="0"
            width={countOf(counts, status)}
            height="1"
          />
        );
      })}
    </svg>
  );
}

/** Each status with its number, as a link to its controls. */
export function StatusLinks({ row, search = {} }: { row: AssessmentRow; search?: ControlSearch }) {
  return (
    <ul className="status-links">
      {STATUSES.filter((status) => countOf(row.summary, status) > 0).map((status) => (
        <li key={status}>
          <Link
            to="/compliance/$framework/$scope"
            params={{ framework: row.framework, scope: row.scope }}
            search={{ ...search, status }}
            data-count={`${row.framework}:${status}`}
            preload={false}
          >
            <span className={`dot fill-${status}`} aria-hidden="true" />
            {count(countOf(row.summary, status))} {statusName(status).toLowerCase()}
          </Link>
        </li>
      ))}
    </ul>
  );
}
