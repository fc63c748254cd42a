import { Link } from "@tanstack/react-router";
import type { Sensor } from "../../api/runtime";
import { Icon } from "../../parts/icon";
import { Empty } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count } from "../../text/number";
import { words } from "../../text/path";
import { sensorMeaning, sensorTone } from "../../text/runtime";

const ORDER: Record<string, number> = { blind: 0, silent: 1, seeing: 2 };

const SINCE: Record<string, string> = { blind: "last lost events", silent: "silent since", seeing: "since" };
const sinceOf = (sensor: Sensor): string =>
  sensor.state === "blind"
    ? (sensor.blind_at ?? sensor.last_at)
    : sensor.state === "silent"
      ? sensor.last_at
      : sensor.first_at;

/** Those that do not see come first. */
export function SensorTable({ items, none }: { items: readonly Sensor[]; none: boolean }) {
  if (items.length === 0)
    return none ? (
      <Empty icon="sources" title="No sensor has been heard of yet">
        <p>Sensors appear with the first event that names them.</p>
      </Empty>
    ) : (
      <Empty title="No sensor is in that state">
        <Link to="/sources" className="button">
          Show all sensors
        </Link>
      </Empty>
    );
  const sorted = [...items].sort(
    (a, b) => (ORDER[a.state] ?? 0) - (ORDER[b.state] ?? 0) || (a.sensor < b.sensor ? -1 : 1),
  );
  return (
    <div className="scroll-x" role="region" aria-label="Sensors, a row for each" tabIndex={0}>
      <table className="table" data-testid="sensors">
        <thead>
          <tr>
            <th scope="col">Sensor</th>
            <th scope="col">State</th>
            <th scope="col" className="number">
              Lost events
            </th>
            <th scope="col" className="number">
              Reports
            </th>
            <th scope="col" className="number">
              Last heard
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((each) => (
            <tr key={`${each.source} ${each.sensor}`}>
              <th scope="row" className="row-head">
                <Text value={each.sensor || "not named"} max={120} />
                <span className="second-line muted">
                  of{" "}
                  <Link to="/sources" search={{ source: each.source }}>
                    <Text value={each.source} max={60} />
                  </Link>
                </span>
              </th>
              <td className="wide">
                <span className={`tag ${sensorTone(each.state)}`} title={sensorMeaning(each.state)}>
                  <Icon name={each.state === "seeing" ? "check" : each.state === "blind" ? "gap" : "clock"} />{" "}
                  {words(each.state)}
                </span>
                <span className="second-line muted">
                  {SINCE[each.state] ?? "heard of"} <Time at={sinceOf(each)} />
                  {each.reason && (
                    <>
                      : <Text value={each.reason} max={300} />
                    </>
                  )}
                </span>
              </td>
              <td className="number" data-label="Lost events">
                {count(each.drops)}
              </td>
              <td className="number" data-label="Reports">
                {count(each.reports)}
              </td>
              <td className="number" data-label="Last heard">
                <Time at={each.last_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
