// What needs the operator, on top of the page, each in the same order: what is wrong, why it matters, what to do, evidence.

import type { ReactNode } from "react";
import type { Plugin, PluginVersion } from "../../api/types";
import { Icon, type IconName } from "../../parts/icon";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { count, counted, percent } from "../../text/number";
import { grantedFor } from "../../text/rights";
import { visible } from "../../text/visible";
import { Changes } from "./changes";
import { Provenance, RightsChanges, Verdict } from "./evidence";
import { LastFault } from "./health";
import { faultsOf, inForce, safeToPromote, stuck, versionsIn } from "./judge";
import { VersionState } from "./state";
import type { Ask } from "./wish";

export function Banners({ plugin, ask }: { plugin: Plugin; ask: Ask }) {
  return (
    <>
      {plugin.state === "quarantined" && <Quarantine plugin={plugin} ask={ask} />}
      {versionsIn(plugin, "waiting").map((version) => (
        <Waiting key={version.digest} plugin={plugin} version={version} ask={ask} />
      ))}
      {stuck(plugin).map((version) => (
        <Stuck key={version.digest} plugin={plugin} version={version} />
      ))}
      {plugin.state === "degraded" && <Degraded plugin={plugin} />}
      {versionsIn(plugin, "canary").map((version) => (
        <Canary key={version.digest} plugin={plugin} version={version} ask={ask} />
      ))}
    </>
  );
}

function Banner({
  tone,
  icon,
  title,
  kind,
  children,
}: {
  tone: "failure" | "warned" | "";
  icon: IconName;
  title: string;
  kind: string;
  children: ReactNode;
}) {
  return (
    <section className={`card ${tone}`} aria-label={title} data-banner={kind}>
      <h2 className="banner-title">
        <Icon name={icon} className={tone === "failure" ? "bad" : tone === "warned" ? "warn" : ""} /> {title}
      </h2>
      {children}
    </section>
  );
}

function Quarantine({ plugin, ask }: { plugin: Plugin; ask: Ask }) {
  const { refused } = faultsOf(plugin);
  return (
    <Banner tone="failure" icon="gap" title="In quarantine" kind="quarantine">
      <p role="alert">
        It failed too often in too short a time and is not called any more. What it would have seen is a
        coverage gap in every scan since
        {refused > 0 && `: ${counted(refused, "call was", "calls were")} not made`}.
      </p>
      <p>
        Look at the last fault first. If the cause is gone, release it; if not, activate a version that works
        or install a new one.
      </p>
      <p className="tags">
        <button type="button" className="button" onClick={() => ask("release")}>
          Release …
        </button>
      </p>
      <LastFault plugin={plugin} />
    </Banner>
  );
}

function Waiting({ plugin, version, ask }: { plugin: Plugin; version: PluginVersion; ask: Ask }) {
  const name = visible(version.version);
  const more = version.added.length;
  return (
    <Banner tone="warned" icon="clock" title={`Version ${name} waits for approval`} kind="waiting">
      <p>
        It asks for {counted(more, "right")}{" "}
        {inForce(plugin, version) ? "" : "more than the version in force"}.{" "}
        {inForce(plugin, version) ? (
          "It is not called until you approve it."
        ) : (
          <>
            Until you decide, version <Text value={plugin.version} max={40} /> goes on and this one is not
            called.
          </>
        )}
      </p>
      <p className="tags">
        <button type="button" className="button primary" onClick={() => ask("approve", version)}>
          Review and approve …
        </button>
        <button type="button" className="button" onClick={() => ask("retire", version)}>
          Turn it down …
        </button>
      </p>
      <RightsChanges plugin={plugin} version={version} />
      <Provenance version={version} />
    </Banner>
  );
}

function Stuck({ plugin, version }: { plugin: Plugin; version: PluginVersion }) {
  const name = visible(version.version);
  const refused = version.state === "refused";
  return (
    <Banner
      tone="warned"
      icon="gap"
      title={refused ? `Version ${name} was refused` : `Version ${name} is in quarantine`}
      kind="stuck"
    >
      <p>
        {version.note ? <Text value={version.note} max={800} /> : "The server gave no reason"}. Version{" "}
        <Text value={plugin.version} max={40} /> stays in force, without what the newer one would bring.
      </p>
      <p>
        {refused
          ? "It is not called. Mend the cause, then install it again."
          : "It is not called. Tell its author, or install a version that works."}
      </p>
      <p className="muted">
        <VersionState state={version.state} /> <Time at={version.installed_at} />, from{" "}
        <Text value={version.source} max={200} />
      </p>
    </Banner>
  );
}

function Degraded({ plugin }: { plugin: Plugin }) {
  return (
    <Banner tone="warned" icon="warning" title="Degraded" kind="degraded">
      <p>
        {plugin.denials > 0
          ? `${counted(plugin.denials, "host call was", "host calls were")} refused for want of a right.`
          : "It faulted lately."}{" "}
        It is still called, but what it answers may be incomplete, and a call that fails is a coverage gap.
      </p>
      <p>
        {plugin.denials > 0
          ? "Look whether it needs a right that it was not granted."
          : "Look at the last fault: more of them in a short time lead to quarantine."}
      </p>
      <Missing plugin={plugin} />
      <LastFault plugin={plugin} />
    </Banner>
  );
}

/** The rights that it asked for and was not given. */
function Missing({ plugin }: { plugin: Plugin }) {
  const missing = plugin.asked
    .flatMap((ask) => ask.rights)
    .filter((line) => grantedFor(line, plugin.granted).length === 0);
  if (plugin.denials === 0 || missing.length === 0) return null;
  return (
    <>
      <h3>Asked for and not granted</h3>
      <ul className="breaks">
        {missing.map((line) => (
          <li key={line}>
            <code>
              <Text value={line} max={600} />
            </code>
          </li>
        ))}
      </ul>
    </>
  );
}

function Canary({ plugin, version, ask }: { plugin: Plugin; version: PluginVersion; ask: Ask }) {
  const { canary } = version;
  const good = safeToPromote(canary);
  const name = visible(version.version);
  return (
    <Banner tone={good ? "" : "warned"} icon="refresh" title={`Version ${name} is on trial`} kind="canary">
      <Verdict version={version} />
      <p>
        It sees the same inputs as version <Text value={plugin.version} max={40} />, but its findings count
        for nothing until you promote it.
      </p>
      <p className="tags">
        <button
          type="button"
          className={good ? "button primary" : "button"}
          onClick={() => ask("promote", version)}
        >
          Promote …
        </button>
        <button type="button" className="button" onClick={() => ask("retire", version)}>
          Retire …
        </button>
      </p>
      {canary && (
        <>
          <dl className="meta">
            <div>
              <dt>Compared</dt>
              <dd>{counted(canary.calls, "call")}</dd>
            </div>
            <div>
              <dt>Same findings</dt>
              <dd>
                {counted(canary.same, "call")}
                {canary.calls > 0 && ` (${percent(canary.same / canary.calls)})`}
              </dd>
            </div>
            <div>
              <dt>Faults</dt>
              <dd>{canary.faults === 0 ? "none" : count(canary.faults)}</dd>
            </div>
          </dl>
          {canary.added.length + canary.removed.length > 0 && (
            <>
              <h3>How the findings differ</h3>
              <Changes
                label="difference of findings"
                plus={`Only version ${name} finds`}
                minus="Only the version in force finds"
                changes={[
                  ...canary.removed.map((line) => ({ sign: "-" as const, line })),
                  ...canary.added.map((line) => ({ sign: "+" as const, line })),
                ]}
              />
              <p className="muted">
                + only the version on trial finds, − only the version in force. A long difference is cut by
                the server.
              </p>
            </>
          )}
        </>
      )}
      {version.added.length + version.removed.length > 0 && (
        <>
          <h3>How the rights differ</h3>
          <RightsChanges plugin={plugin} version={version} />
        </>
      )}
    </Banner>
  );
}
