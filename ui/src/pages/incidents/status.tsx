import type { IncidentRow } from "../../api/runtime";
import { dispositionName, incidentStatus, incidentTone } from "../../text/runtime";

export function StatusTag({ incident }: { incident: Pick<IncidentRow, "status" | "disposition"> }) {
  const found = incident.status === "closed" ? incident.disposition : undefined;
  return (
    <span
      className={`tag ${incidentTone(incident.status)}`}
      title={found ? dispositionName(found) : undefined}
    >
      {incidentStatus(incident.status)}
      {found && `: ${dispositionName(found).split(":")[0]?.toLowerCase()}`}
    </span>
  );
}
