import type { ResponseRow } from "../../api/respond";
import { words } from "../../text/path";
import { phaseName, phaseTone } from "../../text/runtime";

export function PhaseTag({ response }: { response: Pick<ResponseRow, "phase" | "outcome" | "dryRun"> }) {
  return (
    <>
      <span className={`tag ${phaseTone(response.phase)}`}>
        {response.phase === "over" && response.outcome ? words(response.outcome) : phaseName(response.phase)}
      </span>
      {response.dryRun && (
        <span className="tag" title="It changes nothing">
          Dry run
        </span>
      )}
    </>
  );
}
