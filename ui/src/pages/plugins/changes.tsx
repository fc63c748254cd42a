import { CopyButton } from "../../parts/copy";
import { Text } from "../../parts/text";
import { counted } from "../../text/number";
import type { Change } from "../../text/rights";
import { visible } from "../../text/visible";

/** Lines shown of one difference; the server caps it too. */
const LINES_MAX = 200;

/** What comes and what goes, a line each. The sign and a word say which, so that the colour need not. */
export function Changes({
  changes,
  label,
  plus,
  minus,
  children,
}: {
  changes: readonly Change[];
  label: string;
  /** What a screen reader hears before a line that comes, and before one that goes. */
  plus: string;
  minus: string;
  children?: (line: string) => string;
}) {
  const over = changes.length - LINES_MAX;
  return (
    <div className="changes">
      <ul aria-label={label} data-changes>
        {changes.slice(0, LINES_MAX).map(({ sign, line }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines may be equal, and never move
          <li key={index} className={sign === "+" ? "plus" : "minus"}>
            <span className="sign" aria-hidden="true">
              {sign === "+" ? "+" : "−"}
            </span>
            <span>
              <span className="sr-only">{sign === "+" ? plus : minus}: </span>
              <code>
                <Text value={line} max={600} />
              </code>
              {children && <span className="muted why">{children(line)}</span>}
            </span>
          </li>
        ))}
      </ul>
      {over > 0 && <p className="muted">{counted(over, "more line")} not shown; copying takes all.</p>}
      <CopyButton
        value={changes.map(({ sign, line }) => `${sign} ${visible(line)}`).join("\n")}
        label={`Copy ${label}`}
      />
    </div>
  );
}
