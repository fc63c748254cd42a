// Run time in two figures. Each is asked for by itself, so that neither keeps the overview waiting.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { openIncidentsQuery, sensorsQuery, sourcesQuery, TOLD_MAX } from "../../api/runtime-queries";
import { SEVERITIES } from "../../parts/severity";
import { count, counted } from "../../text/number";
import { Fact } from "./fact";

export function Runtime() {
  const sources = useQuery({ ...sourcesQuery, retry: false });
  const incidents = useQuery({ ...openIncidentsQuery, retry: false });
  const sensors = useQuery({ ...sensorsQuery, retry: false });
  if (!sources.data) return null;
  const open = incidents.data?.items ?? [];
  const { seeing = 0, blind = 0, silent = 0 } = sensors.data ?? {};
  const worst = SEVERITIES.find((severity) => open.some((each) => each.severity === severity));
  const unassigned = open.filter((each) => !each.assignee).length;
  return (
    <ul className="facts" aria-label="Run time">
      {incidents.data && (
        <Fact
          icon="incidents"
          name={incidents.data.next ? `Open incidents, more than ${TOLD_MAX}` : "Open incidents"}
          value={open.length}
          tone="bad"
          note={
            worst === undefined
              ? sources.data.items.length === 0
                ? "Nothing sends events yet"
                : "Nothing that anybody has to look at"
              : `The worst is ${worst}; ${count(unassigned)} without an assignee`
          }
        >
          <Link to="/incidents" search={{ status: "open" }} data-runtime="incidents" />
        </Fact>
      )}
      {sensors.data && (
        <Fact
          icon="sources"
          name="Blind or silent sensors"
          value={blind + silent}
          tone="warn"
          note={
            blind + silent > 0
              ? `${counted(blind, "sensor")} lost events; the rest fell silent`
              : seeing > 0
                ? `All ${counted(seeing, "sensor")} see`
                : "No sensor has been heard of yet"
          }
        >
          <Link to="/sources" search={{ sensor: "blind,silent" }} data-runtime="sensors" />
        </Fact>
      )}
    </ul>
  );
}
