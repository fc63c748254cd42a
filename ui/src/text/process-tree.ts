// A tree of processes out of rows that name who started them.

import type { ProcessRow } from "../api/runtime";

export interface ProcessNode {
  id: string;
  /** The first event of it. */
  event?: string | undefined;
  command: string;
  user: string;
  pid: number | null;
  started: string;
  /** Known only as a parent: its own start was not seen. */
  unseen: boolean;
  /** What the page was asked about. */
  asked: boolean;
  children: ProcessNode[];
}

/** Sensors see one start within moments of each other; a pid that comes again later is another process. */
const SAME_START_MS = 10_000;

const program = (binary: string): string => binary.slice(binary.lastIndexOf("/") + 1);
const either = (a: string, b: string): boolean => a === "" || b === "" || a === b;

/** Whether two sensors speak of one process: its pid, its program, and what else both say. */
function isSame(a: ProcessRow, b: ProcessRow): boolean {
  if (a.pid === null || a.pid !== b.pid || program(a.binary) !== program(b.binary)) return false;
  if (!either(a.arguments, b.arguments)) return false;
  return !a.first || !b.first || Math.abs(Date.parse(a.first) - Date.parse(b.first)) <= SAME_START_MS;
}

/** One row out of what two sensors say: of each fact, the fuller one. */
const joined = (a: ProcessRow, b: ProcessRow): ProcessRow => ({
  ...a,
  parent: a.parent ?? b.parent,
  binary: a.binary.length >= b.binary.length ? a.binary : b.binary,
  arguments: a.arguments || b.arguments,
  user: a.user ?? b.user,
  first: [a.first, b.first].filter((each) => each !== null).sort()[0] ?? null,
  events: a.asked || !b.asked ? [...a.events, ...b.events] : [...b.events, ...a.events],
  asked: a.asked || b.asked,
});

/** Rows of one process made one, and who each key stands for. */
function withoutTwins(rows: readonly ProcessRow[]) {
  const kept: ProcessRow[] = [];
  const stands = new Map<string, string>();
  // Only rows of one pid are compared with each other, as there may be thousands.
  const places = new Map<number | null, number[]>();
  for (const row of rows) {
    const same = places.get(row.pid) ?? [];
    const place = same.find((each) => kept[each] !== undefined && isSame(kept[each], row));
    const twin = place === undefined ? undefined : kept[place];
    if (place !== undefined && twin) {
      kept[place] = joined(twin, row);
      stands.set(row.key, twin.key);
      continue;
    }
    stands.set(row.key, row.key);
    if (row.pid !== null) places.set(row.pid, [...same, kept.length]);
    kept.push(row);
  }
  return { kept, stands };
}

/** Processes under who started them, in the order given; one whose parent is not known is at the top. */
export function processTree(rows: readonly ProcessRow[]): ProcessNode[] {
  const { kept, stands } = withoutTwins(rows);
  const nodes = new Map<string, ProcessNode>();
  const parents = new Map<string, string>();
  for (const row of kept)
    nodes.set(row.key, {
      id: row.key,
      event: row.events[0],
      command: [row.binary, row.arguments].filter(Boolean).join(" ") || row.key,
      user: row.user ?? "",
      pid: row.pid,
      started: row.first ?? "",
      unseen: row.events.length === 0,
      asked: row.asked,
      children: [],
    });
  const top: ProcessNode[] = [];
  for (const row of kept) {
    const node = nodes.get(row.key);
    if (!node) continue;
    const parent = row.parent === null ? undefined : stands.get(row.parent);
    const above = parent === undefined || isAbove(row.key, parent, parents) ? undefined : nodes.get(parent);
    if (parent !== undefined && above) parents.set(row.key, parent);
    (above?.children ?? top).push(node);
  }
  return top;
}

/** Whether `key` already stands over `below`, which then cannot become its parent. */
function isAbove(key: string, below: string, parents: ReadonlyMap<string, string>): boolean {
  for (let at: string | undefined = below; at !== undefined; at = parents.get(at))
    if (at === key) return true;
  return false;
}

/** A line of the tree as it is drawn. */
export interface TreeLine {
  node: ProcessNode;
  level: number;
  place: number;
  of: number;
}

/** The lines in view: children of closed ones are left out. */
export function treeLines(top: readonly ProcessNode[], closed: ReadonlySet<string>): TreeLine[] {
  const lines: TreeLine[] = [];
  // A list of what is still to be drawn instead of recursion: a chain of processes may be very long.
  const waiting: TreeLine[] = [];
  const put = (nodes: readonly ProcessNode[], level: number) => {
    for (let index = nodes.length - 1; index >= 0; index -= 1) {
      const node = nodes[index];
      if (node) waiting.push({ node, level, place: index + 1, of: nodes.length });
    }
  };
  put(top, 1);
  for (let line = waiting.pop(); line; line = waiting.pop()) {
    lines.push(line);
    if (!closed.has(line.node.id)) put(line.node.children, line.level + 1);
  }
  return lines;
}
