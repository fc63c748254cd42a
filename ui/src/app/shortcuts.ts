// Single-key shortcuts. They are off while somebody types, and can be switched off altogether (WCAG 2.1.4).

import { useEffect, useRef } from "react";
import { keysOf, meant } from "../text/chords";
import { moved, SHIPPED } from "./keys";
import { storedWord } from "./stored";

/** How long the first key of two waits for the second. */
const SEQUENCE_MS = 1_200;

export const shortcuts = storedWord("shortcuts", ["on", "off"]);

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [role=combobox]"))
  );
}

let pending: { key: string; at: number } | null = null;

const nameOf = (key: string): string => (key.length > 1 ? key.toLowerCase() : key);

/** What was pressed, with the key before it if that one starts a pair: `j`, `?`, `g f`. */
function chord(event: KeyboardEvent): string {
  const before = pending && event.timeStamp - pending.at < SEQUENCE_MS ? `${pending.key} ` : "";
  return before + nameOf(event.key);
}

/** Calls the handler of a shortcut, named by the keys it is shipped with (named keys in lower case), whatever keys stand
 * for it here. A handler that returns `false` did not use it. `escape` works even while typing. */
export function useShortcuts(handlers: Record<string, (event: KeyboardEvent) => unknown>): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.querySelector("dialog:modal")) return;
      if (event.key !== "Escape" && (shortcuts.get() === "off" || typing(event.target))) return;
      const handler =
        latest.current[meant(chord(event), moved.get()) ?? ""] ??
        latest.current[meant(nameOf(event.key), moved.get()) ?? ""];
      if (handler && handler(event) !== false) event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

// Registered after every handler of the page, so that the handlers see the state before this key.
if (typeof window !== "undefined") {
  window.addEventListener("keydown", (event) => {
    const { key } = event;
    const starts = SHIPPED.some((each) => keysOf(each, moved.get()).startsWith(`${key} `));
    pending = starts && !typing(event.target) ? { key, at: event.timeStamp } : null;
  });
}
