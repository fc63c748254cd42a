// Single-key shortcuts. They are off while somebody types, and can be switched off altogether (WCAG 2.1.4).

import { useEffect, useRef, useSyncExternalStore } from "react";
import { recall, remember } from "./memory";

const KEY = "shortcuts";
/** How long `g` waits for its second key. */
const SEQUENCE_MS = 1_200;

let enabled = recall(KEY) !== "off";
const listeners = new Set<() => void>();

export function setShortcuts(on: boolean): void {
  enabled = on;
  remember(KEY, on ? null : "off");
  for (const listener of listeners) listener();
}

export function useShortcutsEnabled(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => enabled,
  );
}

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input, textarea, select, [role=combobox]"))
  );
}

let pending: { key: string; at: number } | null = null;

const nameOf = (key: string): string => (key.length > 1 ? key.toLowerCase() : key);

/** The key with its leading `g`, if one was pressed just before: `j`, `?`, `g f`. */
function chord(event: KeyboardEvent): string {
  const before = pending && event.timeStamp - pending.at < SEQUENCE_MS ? `${pending.key} ` : "";
  return before + nameOf(event.key);
}

/** Calls the handler of a key (named keys in lower case). A handler that returns `false` did not use it. `escape` works
 * even while typing. */
export function useShortcuts(handlers: Record<string, (event: KeyboardEvent) => unknown>): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.querySelector("dialog:modal")) return;
      if (event.key !== "Escape" && (!enabled || typing(event.target))) return;
      const handler = latest.current[chord(event)] ?? latest.current[nameOf(event.key)];
      if (handler && handler(event) !== false) event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

// Registered after every handler of the page, so that the handlers see the state before this key.
if (typeof window !== "undefined") {
  window.addEventListener("keydown", (event) => {
    pending = event.key === "g" && !typing(event.target) ? { key: "g", at: event.timeStamp } : null;
  });
}
