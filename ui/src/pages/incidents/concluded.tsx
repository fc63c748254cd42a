// What rules concluded from several detections of an incident.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import type { IncidentRow } from "../../api/runtime";
import { timelineQuery } from "../../api/runtime-queries";
import { Text } from "../../parts/text";
import { assetName } from "../../text/runtime";
import { storyOf } from "../../text/story";

/** Conclusions that are shown; the list of detections has the others. */
const SHOWN_MAX = 8;

export function Concluded({ incident }: { incident: IncidentRow }) {
  const timeline = useQuery(timelineQuery(incident.id));
  const concluded = useMemo(() => {
    const all = storyOf(timeline.data?.items ?? []).concluded;
    return all.filter((each) => each.title !== incident.title);
  }, [timeline.data, incident.title]);
  if (concluded.length === 0) return null;
  return (
    <ul className="joined" aria-label="What rules concluded">
      {concluded.slice(0, SHOWN_MAX).map((each) => (
        <li key={each.id}>
          <Link to="/runtime/detections" search={{ detection: each.id }}>
            <Text value={each.title} max={300} />
          </Link>{" "}
          <span className="muted">
            on <Text value={assetName(each.asset)} max={200} />
          </span>
        </li>
      ))}
    </ul>
  );
}
