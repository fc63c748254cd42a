import type { Plugin, PluginVersion } from "../../api/types";
import { Digest } from "../../parts/copy";
import { Text } from "../../parts/text";
import { Time } from "../../parts/time";
import { counted } from "../../text/number";
import { visible } from "../../text/visible";
import { Signers } from "./evidence";
import { actionsFor, inForce } from "./judge";
import { VersionState } from "./state";
import { type Ask, buttonWord } from "./wish";

export function Versions({ plugin, ask }: { plugin: Plugin; ask: Ask }) {
  return (
    <section className="card flush" aria-labelledby="versions" data-testid="versions">
      <div className="card-head">
        <h2 id="versions">Versions</h2>
        <span className="muted">
          {plugin.versions.length === 0 ? "" : `${counted(plugin.versions.length, "version")}, newest first`}
        </span>
      </div>
      {plugin.versions.length === 0 ? (
        <p className="card-foot">
          {plugin.source === "built-in"
            ? "It is part of the program and changes with it: no other version was installed."
            : "No other version is installed."}
        </p>
      ) : (
        <div className="scroll-x" role="region" aria-label="Versions" tabIndex={0}>
          <table className="table">
            <caption className="sr-only">Versions of this plugin, newest first</caption>
            <thead>
              <tr>
                <th scope="col">State</th>
                <th scope="col">Version</th>
                <th scope="col">From</th>
                <th scope="col">Signed by</th>
                <th scope="col">Rights</th>
                <th scope="col">Installed</th>
                <th scope="col">
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {plugin.versions.map((version) => (
                <Row key={version.digest} plugin={plugin} version={version} ask={ask} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Row({ plugin, version, ask }: { plugin: Plugin; version: PluginVersion; ask: Ask }) {
  const current = inForce(plugin, version);
  return (
    <tr data-version={version.digest}>
      <td>
        <span className="tags">
          <VersionState state={version.state} />
          {current && <span className="tag open">In force</span>}
        </span>
      </td>
      <td>
        <strong>
          <Text value={version.version} max={40} />
        </strong>{" "}
        <Digest value={version.digest} />
        {version.note && (
          <span className="muted second-line breaks">
            <Text value={version.note} max={400} />
          </span>
        )}
      </td>
      <td className="breaks" data-label="From">
        <Text value={version.source} max={200} />
      </td>
      <td className="breaks" data-label="Signed by">
        <Signers version={version} />
      </td>
      <td data-label="Rights">
        {current ? <span className="muted">as asked for</span> : <RightsCount version={version} />}
      </td>
      <td data-label="Installed">
        <Time at={version.installed_at} />
      </td>
      <td>
        <span className="tags">
          {actionsFor(plugin, version).map((verb) => (
            <button
              key={verb}
              type="button"
              className="button small"
              aria-label={`${buttonWord(verb)} version ${visible(version.version)}`}
              onClick={() => ask(verb, version)}
            >
              {buttonWord(verb)}
            </button>
          ))}
        </span>
      </td>
    </tr>
  );
}

/** How many rights it asks for more and less than the version in force. */
function RightsCount({ version }: { version: PluginVersion }) {
  const [more, less] = [version.added.length, version.removed.length];
  if (more + less === 0) return <span className="muted">the same</span>;
  return (
    <span className="tags">
      {more > 0 && <span className="tag warn">{more} more</span>}
      {less > 0 && <span className="tag">{less} less</span>}
    </span>
  );
}
