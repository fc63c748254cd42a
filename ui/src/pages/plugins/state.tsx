import { Icon } from "../../parts/icon";

export function PluginState({ state }: { state: string }) {
  const ready = state === "ready";
  return (
    <span className={ready ? "tag good" : "tag bad"} data-plugin-state={state}>
      <Icon name={ready ? "check" : "gap"} />{" "}
      {ready ? "Ready" : state === "quarantined" ? "Quarantined" : state}
    </span>
  );
}
