// What a widget shows when it has nothing to show: why, and what to do next.

import type { ReactNode } from "react";
import { Problem } from "../api/client";
import { Icon, type IconName } from "./icon";

export function Empty({
  icon = "check",
  title,
  children,
}: {
  icon?: IconName;
  title: string;
  children?: ReactNode;
}) {
  return (
    <div className="state">
      <Icon name={icon} className="state-icon" />
      <p className="state-title">{title}</p>
      {children && <div className="state-body">{children}</div>}
    </div>
  );
}

/** Grey bars in the shape of what is coming. They appear only after a moment, so that a quick answer does not flash. */
export function Loading({ rows = 6, label = "Loading" }: { rows?: number; label?: string }) {
  return (
    <div className="loading" role="status">
      <span className="sr-only">{label}</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: bars have no identity
        <span key={row} className="bar" aria-hidden="true" />
      ))}
    </div>
  );
}

export function Failure({ error, retry, what }: { error: unknown; retry?: () => void; what: string }) {
  const problem = error instanceof Problem ? error : null;
  const denied = problem?.status === 403;
  const missing = problem?.status === 404;
  const title = denied
    ? `You may not see ${what}`
    : missing
      ? `There is no such thing here: ${what}`
      : `Could not load ${what}`;
  return (
    <div className="state failure" role="alert">
      <Icon name={denied ? "gap" : "warning"} className="state-icon" />
      <p className="state-title">{title}</p>
      <div className="state-body">
        <p>
          {denied
            ? "This token has no right to it. Sign in with one that has."
            : problem
              ? problem.message
              : String(error)}
        </p>
        {problem?.detail && <p>{problem.detail}</p>}
        {problem?.hint && <p>{problem.hint}</p>}
        {problem && <p className="muted mono">{problem.code}</p>}
        {retry && !denied && !missing && (
          <button type="button" className="button" onClick={retry}>
            <Icon name="refresh" /> Try again
          </button>
        )}
      </div>
    </div>
  );
}
