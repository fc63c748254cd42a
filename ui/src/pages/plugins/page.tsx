import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { pluginQuery } from "../../api/queries";
import type { Plugin } from "../../api/types";
import { Digest } from "../../parts/copy";
import { Icon } from "../../parts/icon";
import { SeverityBadge } from "../../parts/severity";
import { Failure, Loading } from "../../parts/states";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { bytes, count } from "../../text/number";
import { PluginState } from "./state";
import { limitName } from "./words";

const route = getRouteApi("/plugins/$id");

export function PluginPage() {
  const { id } = route.useParams();
  const plugin = useQuery(pluginQuery(id));
  return (
    <main className="page">
      <p className="crumbs">
        <Link to="/plugins">Plugins</Link>
        <Icon name="right" />
      </p>
      {plugin.isPending ? (
        <Loading rows={8} label="Loading the plugin" />
      ) : plugin.isError ? (
        <Failure error={plugin.error} retry={() => plugin.refetch()} what="this plugin" />
      ) : (
        <PluginView plugin={plugin.data} />
      )}
    </main>
  );
}

function PluginView({ plugin }: { plugin: Plugin }) {
  return (
    <>
      <header className="page-head">
        <h1>
          <Text value={plugin.id} max={120} /> <span className="muted">{plugin.version}</span>
        </h1>
        <p>
          <PluginState state={plugin.state} /> <Text value={plugin.description} max={600} />
        </p>
        <dl className="meta">
          <div>
            <dt>Publisher</dt>
            <dd>
              <Text value={plugin.publisher} max={100} />
            </dd>
          </div>
          <div>
            <dt>Licence</dt>
            <dd>
              <Text value={plugin.license} max={60} />
            </dd>
          </div>
          <div>
            <dt>Kinds</dt>
            <dd>{plugin.kinds.join(", ")}</dd>
          </div>
          <div>
            <dt>Digest</dt>
            <dd>
              <Digest value={plugin.digest} />
            </dd>
          </div>
        </dl>
      </header>
      {plugin.state === "quarantined" && (
        <section className="card failure" role="alert" aria-label="Quarantine">
          <h2>In quarantine</h2>
          <p>
            It failed too often in too short a time and is not called any more. What it would have seen is a
            coverage gap in every scan since.
          </p>
        </section>
      )}
      <div className="two">
        <Rights plugin={plugin} />
        <Health plugin={plugin} />
      </div>
      <div className="two">
        <Interests plugin={plugin} />
        <div className="stack">
          <Limits plugin={plugin} />
          <Rules plugin={plugin} />
        </div>
      </div>
    </>
  );
}

function Rights({ plugin }: { plugin: Plugin }) {
  const unasked = plugin.granted.filter((each) => !plugin.asked.some((ask) => ask.capability === each));
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
        {plugin.asked.map((ask) => {
          const granted = plugin.granted.includes(ask.capability);
          return (
            <li key={ask.capability}>
              <div className="card-head">
                <strong className="mono">
                  <Text value={ask.capability} max={60} />
                </strong>
                <span className={granted ? "tag good" : "tag"}>
                  <Icon name={granted ? "check" : "close"} /> {granted ? "Granted" : "Not granted"}
                </span>
              </div>
              <p>
                <Text value={ask.why} max={600} />
              </p>
              {ask.parameters !== undefined && ask.parameters !== null && (
                <pre className="code" tabIndex={0}>
                  <Text value={JSON.stringify(ask.parameters, null, 2)} lines max={4000} />
                </pre>
              )}
            </li>
          );
        })}
      </ul>
      {unasked.length > 0 && (
        <p className="muted">Granted without being asked for, so without effect: {unasked.join(", ")}</p>
      )}
    </section>
  );
}

function Health({ plugin }: { plugin: Plugin }) {
  const faults = plugin.faults.filter((fault) => fault.count > 0);
  return (
    <section className="card" aria-labelledby="health">
      <h2 id="health">Calls and faults</h2>
      <dl className="facts-list">
        <dt>Calls</dt>
        <dd>{count(plugin.calls)}</dd>
        {faults.length === 0 ? (
          <>
            <dt>Faults</dt>
            <dd>none</dd>
          </>
        ) : (
          faults.map((fault) => (
            <div key={fault.kind} className="contents">
              <dt className="mono">{fault.kind}</dt>
              <dd>{count(fault.count)}</dd>
            </div>
          ))
        )}
      </dl>
      {plugin.last_fault && (
        <p className="note">
          Last fault
          {plugin.last_fault.at && (
            <>
              {" "}
              <Time at={plugin.last_fault.at} />
            </>
          )}
          : <strong className="mono">{plugin.last_fault.kind}</strong>{" "}
          <Text value={plugin.last_fault.message} max={800} />
        </p>
      )}
    </section>
  );
}

function Limits({ plugin }: { plugin: Plugin }) {
  return (
    <section className="card" aria-labelledby="limits">
      <h2 id="limits">Limits of each call</h2>
      <dl className="facts-list">
        {Object.entries(plugin.limits).map(([name, value]) => {
          const [label, unit] = limitName(name);
          return (
            <div key={name} className="contents">
              <dt>{label}</dt>
              <dd>
                {typeof value === "number" ? count(value) : String(value)} {unit}
              </dd>
            </div>
          );
        })}
      </dl>
    </section>
  );
}

function Interests({ plugin }: { plugin: Plugin }) {
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

function Rules({ plugin }: { plugin: Plugin }) {
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
