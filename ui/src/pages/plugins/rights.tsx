import type { Plugin } from "../../api/types";
import { Icon } from "../../parts/icon";
import { Text } from "../../parts/text";
import { grantedFor } from "../../text/rights";

export function Rights({ plugin }: { plugin: Plugin }) {
  const asked = plugin.asked.flatMap((ask) => ask.rights);
  const unasked = plugin.granted.filter((line) => !asked.some((each) => grantedFor(each, [line]).length > 0));
  return (
    <section className="card" aria-labelledby="rights" data-testid="rights">
      <h2 id="rights">What it asked for, and what it got</h2>
      {plugin.asked.length === 0 && (
        <p>
          It asks for no capability. It sees the files that it is handed, its configuration, and nothing else:
          no network, no file system, no clock.
        </p>
      )}
      <ul className="rights">
        {plugin.asked.map((ask) => (
          <li key={ask.capability}>
            <strong className="mono">
              <Text value={ask.capability} max={60} />
            </strong>
            <p>
              <Text value={ask.why} max={600} />
            </p>
            <ul className="right-lines">
              {ask.rights.map((line) => (
                <Line key={line} line={line} granted={grantedFor(line, plugin.granted)} />
              ))}
            </ul>
          </li>
        ))}
      </ul>
      {unasked.length > 0 && (
        <div className="note">
          <p>Granted without being asked for, so without effect:</p>
          <ul className="breaks">
            {unasked.map((line) => (
              <li key={line}>
                <code>
                  <Text value={line} max={600} />
                </code>
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

function Line({ line, granted }: { line: string; granted: string[] }) {
  return (
    <li data-right={granted.length > 0 ? "granted" : "refused"}>
      <code className="breaks">
        <Text value={line} max={600} />
      </code>
      <span className={granted.length > 0 ? "tag good" : "tag"}>
        <Icon name={granted.length > 0 ? "check" : "close"} />{" "}
        {granted.length > 0 ? "Granted" : "Not granted"}
      </span>
      {granted
        .filter((each) => each !== line)
        .map((each) => (
          <span key={each} className="muted as">
            as{" "}
            <code className="breaks">
              <Text value={each} max={600} />
            </code>
          </span>
        ))}
    </li>
  );
}
