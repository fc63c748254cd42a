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

/** Processes under who started them, in the order given. A parent stands before its children; one that does not is left at the top. */
export function processTree(rows: readonly ProcessRow[]): ProcessNode[] {
  const nodes = new Map<string, ProcessNode>();
  const top: ProcessNode[] = [];
  for (const row of rows) {
    const node: ProcessNode = {
      id: row.key,
      event: row.events[0],
      command: [row.binary, row.arguments].filter(Boolean).join(" ") || row.key,
      user: row.user ?? "",
      pid: row.pid,
      started: row.first ?? "",
      unseen: row.events.length === 0,
      asked: row.asked,
      children: [],
    };
    const above = row.parent === null ? undefined : nodes.get(row.parent);
    (above?.children ?? top).push(node);
    nodes.set(row.key, node);
  }
  return top;
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
