import type { Plugin } from "../../api/types";
import { CopyButton } from "../../parts/copy";
import { Text } from "../../parts/text";
import { counted } from "../../text/number";
import { visible } from "../../text/visible";
import { levelTone } from "./words";

/** Lines shown; the server keeps few. */
const LINES_MAX = 300;

/** One line for the clipboard. Hidden characters stay spelled out: what is pasted into a terminal must not take effect there. */
const asText = ({ level, message }: Plugin["logs"][number]): string =>
  `${visible(level)} ${visible(message)}`;

export function Logs({ plugin }: { plugin: Plugin }) {
  const shown = plugin.logs.slice(-LINES_MAX);
  return (
    <section className="card" aria-labelledby="logs" data-testid="logs">
      <div className="card-head">
        <h2 id="logs">What it logged</h2>
        {shown.length > 0 && (
          <span className="with-copy muted">
            latest {counted(shown.length, "line")}, newest last
            <CopyButton value={shown.map(asText).join("\n")} label="Copy all lines" />
          </span>
        )}
      </div>
      {shown.length === 0 ? (
        <p className="muted">Nothing. Plugins log only if their author wrote it so.</p>
      ) : (
        <div className="logs" role="region" aria-label="Log lines" tabIndex={0}>
          <ol>
            {shown.map((line, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines may be equal, and never move within one answer
              <li key={index}>
                <span className={`tag ${levelTone(line.level)}`}>
                  <Text value={line.level} max={20} />
                </span>
                <code>
                  <Text value={line.message} lines max={2_000} />
                </code>
                <CopyButton value={asText(line)} label={`Copy line ${index + 1}`} />
              </li>
            ))}
          </ol>
        </div>
      )}
    </section>
  );
}
