import { verdictMeaning, verdictName, verdictTone } from "../text/path";
import { Icon } from "./icon";

/** What becomes of traffic from the internet; nothing where that is no question. */
export function VerdictTag({ verdict }: { verdict: string }) {
  if (verdict === "") return <span className="muted">–</span>;
  return (
    <span className={`tag ${verdictTone(verdict)}`} title={verdictMeaning(verdict)}>
      <Icon name={verdict === "open" || verdict === "possible" ? "globe" : "check"} /> {verdictName(verdict)}
    </span>
  );
}
