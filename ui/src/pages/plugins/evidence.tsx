// What speaks for and against a version: its trial, its rights, where it came from.

import type { Plugin, PluginVersion } from "../../api/types";
import { Digest } from "../../parts/copy";
import { Icon } from "../../parts/icon";
import { Text } from "../../parts/text";
import { count, counted } from "../../text/number";
import { explain, rightsDiff } from "../../text/rights";
import { Changes } from "./changes";
import { safeToPromote } from "./judge";

/** What a trial says, in one line: whether it is safe to let the version take over. */
export function Verdict({ version }: { version: PluginVersion }) {
  const { canary } = version;
  if (safeToPromote(canary) && canary) {
    return (
      <p className="verdict good">
        <Icon name="check" /> The same findings in all of {counted(canary.calls, "call")}, and no fault.
      </p>
    );
  }
  return (
    <p className="verdict bad">
      <Icon name="warning" />
      {!canary || canary.calls === 0
        ? "Nothing was compared yet: nobody knows what it would find."
        : canary.faults > 0
          ? `It failed in ${count(canary.faults)} of ${counted(canary.calls, "call")}. What it fails on is a coverage gap.`
          : `Its findings differ in ${count(canary.calls - canary.same)} of ${counted(canary.calls, "call")}. Read the difference before you let it take over.`}
    </p>
  );
}

/** How the rights that a version asks for differ from those of the version in force. */
export function RightsChanges({ plugin, version }: { plugin: Plugin; version: PluginVersion }) {
  const changes = rightsDiff(version.added, version.removed);
  if (changes.length === 0)
    return <p className="muted">It asks for the same rights as the version in force.</p>;
  return (
    <Changes changes={changes} label="difference of rights" plus="Asks for more" minus="No longer asks for">
      {(line) => explain(line, plugin.granted)}
    </Changes>
  );
}

/** Where a version came from and who answers for it. */
export function Provenance({ version }: { version: PluginVersion }) {
  return (
    <dl className="facts-list">
      <dt>From</dt>
      <dd>
        <Text value={version.source} max={300} />
      </dd>
      <dt>Signed by</dt>
      <dd>
        <Signers version={version} />
      </dd>
      <dt>Digest</dt>
      <dd>
        <Digest value={version.digest} />
      </dd>
    </dl>
  );
}

/** Signers shown of one version. */
const SIGNERS_MAX = 10;

export function Signers({ version }: { version: PluginVersion }) {
  if (version.signers.length === 0)
    return (
      <span className="tag warn">
        <Icon name="warning" /> Nobody
      </span>
    );
  return (
    <ul className="breaks">
      {version.signers.slice(0, SIGNERS_MAX).map((signer) => (
        <li key={signer}>
          <Text value={signer} max={300} />
        </li>
      ))}
      {version.signers.length > SIGNERS_MAX && (
        <li className="muted">and {count(version.signers.length - SIGNERS_MAX)} more</li>
      )}
    </ul>
  );
}
