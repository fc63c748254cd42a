// Preferences that every part of the page follows at once, also when another tab changes them.

import { useSyncExternalStore } from "react";
import { recall, remember } from "./memory";

export interface Stored<T> {
  get: () => T;
  set: (value: T) => void;
  use: () => T;
}

/** `read` makes a value of whatever the storage holds; `write` says null for what need not be kept. */
export function stored<T>(
  key: string,
  read: (text: string | null) => T,
  write: (value: T) => string | null,
): Stored<T> {
  let value = read(recall(key));
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  if (typeof window !== "undefined")
    window.addEventListener("storage", (event) => {
      if (event.key !== null && !event.key.endsWith(`.${key}`)) return;
      value = read(recall(key));
      tell();
    });
  const get = () => value;
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    get,
    set: (next) => {
      value = next;
      remember(key, write(next));
      tell();
    },
    use: () => useSyncExternalStore(subscribe, get),
  };
}

/** One of a few words; the first is what holds without a choice. */
export const storedWord = <T extends string>(key: string, words: readonly [T, ...T[]]): Stored<T> =>
  stored<T>(
    key,
    (text) => words.find((word) => word === text) ?? words[0],
    (word) => (word === words[0] ? null : word),
  );

/** How close the rows of tables stand. */
export const density = storedWord("density", ["comfortable", "compact"]);

/** Whether times are told from now or in UTC; the other way is always in the title. */
export const times = storedWord("times", ["relative", "utc"]);
