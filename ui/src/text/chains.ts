// Rows of a drawing out of a graph: each edge stands in exactly one row, and rows are as long as they can be.

export interface ChainEdge {
  from: string;
  to: string;
}

/** Splits the edges into rows that each lead on from box to box. Rows begin where nothing leads to, as far as there is such a place. */
export function chains<E extends ChainEdge>(graph: { edges: readonly E[] }): E[][] {
  const onward = new Map<string, E[]>();
  const into = new Set<string>();
  for (const edge of graph.edges) {
    const list = onward.get(edge.from) ?? [];
    list.push(edge);
    onward.set(edge.from, list);
    if (edge.from !== edge.to) into.add(edge.to);
  }
  const rows: E[][] = [];
  const follow = (start: string) => {
    for (;;) {
      const row: E[] = [];
      for (let edge = onward.get(start)?.shift(); edge; edge = onward.get(edge.to)?.shift()) row.push(edge);
      if (row.length === 0) return;
      rows.push(row);
    }
  };
  for (const start of [...onward.keys()]) if (!into.has(start)) follow(start);
  // What is left stands in a circle, or leads on from a row that went another way.
  for (const start of [...onward.keys()]) follow(start);
  return rows;
}
