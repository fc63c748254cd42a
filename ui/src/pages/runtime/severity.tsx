import { SeverityBadge } from "../../parts/severity";

/** Most events are observations that nobody has rated: for those no severity is missing, rules are what rates them. */
export function EventSeverity({ severity }: { severity: string }) {
  if (severity !== "unknown") return <SeverityBadge severity={severity} />;
  return (
    <span className="muted" title="The sensor only tells what happened; rules rate it as detections">
      Not rated
    </span>
  );
}
