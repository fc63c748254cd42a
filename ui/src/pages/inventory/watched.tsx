import { Link } from "@tanstack/react-router";
import type { Sensor } from "../../api/runtime";
import { DrawerSection } from "../../parts/drawer";
import { Icon } from "../../parts/icon";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count } from "../../text/number";
import { words } from "../../text/path";
import { sensorMeaning, sensorTone } from "../../text/runtime";

/** Who watches the machines that a resource runs on, and whether they see. Nothing for what runs on none. */
export function Watched({ sensors }: { sensors: readonly Sensor[] }) {
  if (sensors.length === 0) return null;
  return (
    <DrawerSection title="Who watches it run">
      <ul className="joined">
        {sensors.map((each) => (
          <li key={`${each.source} ${each.sensor}`} data-sensor={each.state}>
            <span className={`tag ${sensorTone(each.state)}`} title={sensorMeaning(each.state)}>
              <Icon name={each.state === "seeing" ? "check" : each.state === "blind" ? "gap" : "clock"} />{" "}
              {words(each.state)}
            </span>{" "}
            <Text value={each.sensor} max={120} /> of{" "}
            <Link to="/sources" search={{ source: each.source }}>
              <Text value={each.source} max={60} />
            </Link>
            {each.drops > 0 && (
              <span className="second-line muted">
                {count(each.drops)} events lost in all
                {each.blind_at && (
                  <>
                    , the last <Time at={each.blind_at} />
                  </>
                )}
                : what happened there then, nobody has seen
              </span>
            )}
          </li>
        ))}
      </ul>
    </DrawerSection>
  );
}
