import type { Plugin, PluginVersion } from "../../api/types";
import type { Verb } from "./judge";

/** What the operator is about to do, with what he saw when he decided: a refresh behind the dialog must not change it. */
export type Wish =
  | { verb: "release"; plugin: Plugin }
  | { verb: "approve"; plugin: Plugin; version: PluginVersion }
  | { verb: "promote" | "activate" | "retire"; plugin: Plugin; version: PluginVersion };

export type Ask = (verb: Verb, version?: PluginVersion) => void;

export function wishFor(plugin: Plugin, verb: Verb, version: PluginVersion | undefined): Wish | null {
  if (verb === "release") return { verb, plugin };
  if (!version) return null;
  return verb === "approve" ? { verb, plugin, version } : { verb, plugin, version };
}

const BUTTONS: Record<Verb, string> = {
  approve: "Approve",
  promote: "Promote",
  activate: "Activate",
  retire: "Retire",
  release: "Release",
};

/** What a button that opens the dialog says. */
export const buttonWord = (verb: Verb): string => BUTTONS[verb];
