// Rights of plugins are lines that people read: `http GET api.example.com/v1/**`, `secret token to api.example.com`,
// `state 65536 bytes`. Here they are compared, explained, and completed where only the operator knows the host. The
// server parses what comes back and has the last word; a line of a form that is not known here passes through unchanged.

import type { AskedCapability } from "../api/types";
import { bytes } from "./number";

/** A line of a difference. */
export interface Change {
  sign: "+" | "-";
  line: string;
}

const HTTP = /^(http \S+ )([^/\s]*)(\/.*)$/;
const SECRET = /^(secret \S+?)(?: to (\S+))?$/;
const STATE = /^state (\d+) bytes$/;

/** The first word. */
export const capabilityOf = (line: string): string => line.split(" ", 1)[0] ?? "";

/** What is taken away and what comes, with the lines of one capability together and what goes before what comes. */
export function rightsDiff(added: readonly string[], removed: readonly string[]): Change[] {
  const changes: Change[] = [
    ...removed.map((line) => ({ sign: "-" as const, line })),
    ...added.map((line) => ({ sign: "+" as const, line })),
  ];
  const key = (change: Change) => [capabilityOf(change.line), change.sign === "-" ? "0" : "1", change.line];
  return changes.sort((a, b) => {
    const [one, other] = [key(a), key(b)];
    const at = one.findIndex((part, index) => part !== other[index]);
    return at < 0 ? 0 : (one[at] ?? "") < (other[at] ?? "") ? -1 : 1;
  });
}

/** What a line means for whoever has to decide, beside the rights that are in force. */
export function explain(line: string, granted: readonly string[] = []): string {
  const size = STATE.exec(line)?.[1];
  const before = granted.map((each) => STATE.exec(each)?.[1]).find((each) => each !== undefined);
  switch (capabilityOf(line)) {
    case "http":
      return needsHost(line)
        ? "Sends such requests to a host that you name, and to no other."
        : "Sends such requests to this host, and to no other.";
    case "secret":
      return "Has the host put this credential into its requests. The plugin itself never sees it.";
    case "state":
      if (!size) return "Keeps data between calls.";
      return before && before !== size
        ? `Keeps up to ${bytes(Number(size))} between calls; ${bytes(Number(before))} are in force.`
        : `Keeps up to ${bytes(Number(size))} between calls.`;
    case "advisories":
      return "Asks the advisory index.";
    case "assets":
      return "Asks about assets of this kind.";
    case "blob":
      return "Reads from these repositories of a registry.";
    default:
      return "This page does not know this right: read its documentation before you allow it.";
  }
}

/** Whether the line names no host, so that it cannot be granted as it stands. */
export function needsHost(line: string): boolean {
  const http = HTTP.exec(line);
  if (http) return http[2] === "*";
  const secret = SECRET.exec(line);
  return secret !== null && (secret[2] === undefined || secret[2] === "*");
}

/** The same line for this host. A line that names its host stays what it is. */
export function withHost(line: string, host: string): string {
  if (!needsHost(line)) return line;
  const http = HTTP.exec(line);
  if (http) return `${http[1]}${host}${http[3]}`;
  return `${SECRET.exec(line)?.[1]} to ${host}`;
}

/** What is wrong with the name of a host, as the server will see it; null if nothing. */
export function hostProblem(host: string): string | null {
  if (host === "") return "Name the host.";
  if (host.includes("*")) return "A star is no host: name one.";
  if (/[/@?#\s]/.test(host)) return "Only the host: no scheme, path or user.";
  const [name = "", port, ...more] = host.split(":");
  if (!/^[a-z0-9.-]{1,253}$/.test(name) || name.split(".").includes(""))
    return "A host name in lower case: letters a-z, digits, dashes and dots.";
  if (more.length > 0 || (port !== undefined && !(/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535)))
    return "The port is a number from 1 to 65535.";
  return null;
}

/** The granted lines that answer a line that was asked for: itself, itself with a host, or another size of state. */
export function grantedFor(asked: string, granted: readonly string[]): string[] {
  return granted.filter((line) => {
    if (line === asked) return true;
    if (STATE.test(asked)) return STATE.test(line);
    const host = HTTP.exec(line)?.[2] ?? SECRET.exec(line)?.[2];
    return host !== undefined && needsHost(asked) && withHost(asked, host) === line;
  });
}

/** The host that an earlier grant gave to this line. */
export function hostGranted(asked: string, granted: readonly string[]): string {
  for (const line of needsHost(asked) ? grantedFor(asked, granted) : []) {
    const host = HTTP.exec(line)?.[2] ?? SECRET.exec(line)?.[2];
    if (host && host !== "*") return host;
  }
  return "";
}

/** A line that an operator can allow. */
export interface Offer {
  line: string;
  /** The version in force does not ask for it. */
  fresh: boolean;
  /** The version in force has it. */
  held: boolean;
  /** The author's reason, where the version in force asks for it too. */
  why: string;
}

/** Everything that a version asks for, with its author's reasons, what is new first. */
export function offers(
  granted: readonly string[],
  version: { asked: readonly AskedCapability[]; added: readonly string[] },
): Offer[] {
  const lines = version.asked.flatMap((ask) => ask.rights.map((line) => ({ line, why: ask.why })));
  const offered = lines.map(({ line, why }) => {
    const fresh = version.added.includes(line);
    return { line, fresh, held: !fresh && grantedFor(line, granted).length > 0, why };
  });
  return [...offered.filter((each) => each.fresh), ...offered.filter((each) => !each.fresh)];
}
