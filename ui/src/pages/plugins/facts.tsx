// What its manifest says it is handed, may use and can raise.

import { Link } from "@tanstack/react-router";
import type { Plugin } from "../../api/types";
import { SeverityBadge } from "../../parts/severity";
import { Text } from "../../parts/text";
import { bytes, count } from "../../text/number";
import { limitName } from "./words";

export function Limits({ plugin }: { plugin: Plugin }) {
  return (
    <section className="card" aria-labelledby="limits">
      <h2 id="limits">Limits of each call</h2>
      <dl className="facts-list">
        {Object.entries(plugin.limits).map(([name, value]) => {
          const [label, unit] = limitName(name);
          return (
            <div key={name} className="contents">
              <dt>
                <Text value={label} max={60} />
              </dt>
              <dd>
                {count(value)} {unit}
              </dd>
            </div>
          );
        })}
      </dl>
    </section>
  );
}

export function Interests({ plugin }: { plugin: Plugin }) {
  return (
    <section className="card" aria-labelledby="interests">
      <h2 id="interests">Which files it is handed</h2>
      {plugin.interests.length === 0 ? (
        <p className="muted">None by itself.</p>
      ) : (
        <ul className="interests">
          {plugin.interests.map((interest) => (
            <li key={interest.name}>
              <strong className="mono">
                <Text value={interest.name} max={80} />
              </strong>
              <span className="muted">
                {[
                  ...(interest.paths ?? []),
                  ...(interest.magic ?? []).map((magic) => `bytes ${magic.bytes} at ${magic.offset}`),
                  ...(interest.keywords ?? []).map((keyword) => `containing ${keyword}`),
                  ...(interest.size_max ? [`up to ${bytes(interest.size_max)}`] : []),
                ].map((clause) => (
                  <code key={clause} className="clause">
                    <Text value={clause} max={200} />
                  </code>
                ))}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

export function Rules({ plugin }: { plugin: Plugin }) {
  const rules = plugin.rules ?? [];
  if (rules.length === 0) return null;
  return (
    <section className="card" aria-labelledby="rules">
      <h2 id="rules">Rules it can raise</h2>
      <ul className="plain">
        {rules.map((rule) => (
          <li key={rule.id}>
            <Link to="/findings" search={{ state: "open", rule: rule.id }} className="mono">
              <Text value={rule.id} max={100} />
            </Link>{" "}
            <Text value={rule.title ?? ""} max={200} />{" "}
            {rule.severity && <SeverityBadge severity={rule.severity} />}
          </li>
        ))}
      </ul>
    </section>
  );
}
