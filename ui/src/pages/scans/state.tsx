import { Icon, type IconName } from "../../parts/icon";
import { stateTone, stateWord } from "./words";

const ICONS: Record<string, IconName> = {
  queued: "clock",
  running: "refresh",
  finished: "check",
  failed: "warning",
};

export function ScanStateTag({ state }: { state: string }) {
  return (
    <span className={`tag ${stateTone(state)}`} data-state={state}>
      <Icon name={ICONS[state] ?? "clock"} className={state === "running" ? "spin" : undefined} />{" "}
      {stateWord(state)}
    </span>
  );
}
