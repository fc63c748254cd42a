import { useEffect, useState } from "react";
import { Icon } from "./icon";

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain http on another host than localhost has no clipboard; the old way still works there.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "sr-only";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function CopyButton({
  value,
  label,
  shown = false,
}: {
  value: string;
  label: string;
  /** The label stands beside the sign. */
  shown?: boolean;
}) {
  const [state, setState] = useState<"idle" | "done" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), 1_600);
    return () => clearTimeout(timer);
  }, [state]);
  return (
    <button
      type="button"
      className="button ghost small copy"
      onClick={async () => setState((await copy(value)) ? "done" : "failed")}
    >
      <Icon name={state === "done" ? "check" : "copy"} />
      <span className={shown ? "" : "sr-only"}>{label}</span>
      <span className="copy-word" aria-live="polite">
        {state === "done" ? "Copied" : state === "failed" ? "Not copied" : ""}
      </span>
    </button>
  );
}

/** A digest shortened to what tells it apart, whole on hover, and copyable. */
export function Digest({ value }: { value: string }) {
  const match = /^(sha256:)?([0-9a-f]{12})[0-9a-f]+$/.exec(value);
  return (
    <span className="digest">
      <code title={value}>{match ? `${match[1] ?? ""}${match[2]}…` : value}</code>
      <CopyButton value={value} label={`Copy ${value}`} />
    </span>
  );
}
