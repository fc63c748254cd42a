import { Icon, type IconName } from "../../parts/icon";
import { Text } from "../../parts/text";
import { versionState } from "./words";

const STATES: Record<string, readonly [string, string, IconName]> = {
  ready: ["Ready", "good", "check"],
  degraded: ["Degraded", "warn", "warning"],
  quarantined: ["Quarantined", "bad", "gap"],
  inactive: ["Not in use", "", "out"],
};

export function PluginState({ state }: { state: string }) {
  const [word, tone, icon] = STATES[state] ?? [state, "", "help"];
  return (
    <span className={`tag ${tone}`} data-plugin-state={state}>
      <Icon name={icon} /> <Text value={word} max={40} />
    </span>
  );
}

const ICONS: Record<string, IconName> = { good: "check", warn: "clock", bad: "gap", busy: "refresh" };

export function VersionState({ state }: { state: string }) {
  const [word, tone] = versionState(state);
  return (
    <span className={`tag ${tone}`} data-version-state={state}>
      <Icon name={ICONS[tone] ?? "out"} /> <Text value={word} max={40} />
    </span>
  );
}

export function WaitingTag() {
  return (
    <span className="tag warn" data-waiting>
      <Icon name="clock" /> Waits for approval
    </span>
  );
}
