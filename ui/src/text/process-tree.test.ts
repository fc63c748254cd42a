import { describe, expect, it } from "vitest";
import type { ProcessRow } from "../api/runtime";
import { processTree, treeLines } from "./process-tree";

const row = (key: string, parent: string | null, more: Partial<ProcessRow> = {}): ProcessRow => ({
  key,
  parent,
  binary: `/bin/${key}`,
  arguments: "",
  user: null,
  pid: null,
  first: "2026-11-22T01:00:00Z",
  events: [`tetragon:${key}`],
  asked: false,
  ...more,
});

const shape = (rows: ProcessRow[]) =>
  treeLines(processTree(rows), new Set()).map(
    ({ node, level, place, of }) => `${level} ${place}/${of} ${node.command}`,
  );

describe("processes of a container", () => {
  it("puts each under the one that started it", () => {
    expect(shape([row("nginx", null), row("sh", "nginx"), row("id", "sh"), row("curl", "sh")])).toEqual([
      "1 1/1 /bin/nginx",
      "2 1/1 /bin/sh",
      "3 1/2 /bin/id",
      "3 2/2 /bin/curl",
    ]);
  });
  it("shows a parent whose start was not seen, and says so", () => {
    const [top] = processTree([row("runc", null, { events: [], first: null }), row("sh", "runc")]);
    expect(top).toMatchObject({ command: "/bin/runc", unseen: true, started: "" });
    expect(top?.children.map((each) => each.unseen)).toEqual([false]);
  });
  it("makes one of what two sensors say of a process, each knowing other things", () => {
    const falco = [
      row("f:node", null, { binary: "node", pid: 12, events: [], first: null }),
      row("f:sh", "f:node", {
        binary: "/bin/sh",
        arguments: "-c x",
        pid: 42,
        user: "root",
        events: ["falco:1"],
      }),
      row("f:parent", null, { binary: "sh", pid: 42, events: [], first: null }),
      row("f:cat", "f:parent", { binary: "/bin/cat", pid: 43, events: ["falco:2"] }),
    ];
    const tetragon = [
      row("t:node", null, {
        binary: "/usr/bin/node",
        arguments: "server.js",
        pid: 12,
        events: [],
        first: null,
      }),
      row("t:sh", "t:node", { binary: "/bin/sh", arguments: "-c x", pid: 42 }),
      row("t:cat", "t:sh", { binary: "/bin/cat", pid: 43, asked: true }),
    ];
    expect(shape([...falco, ...tetragon])).toEqual([
      "1 1/1 /usr/bin/node server.js",
      "2 1/1 /bin/sh -c x",
      "3 1/1 /bin/cat",
    ]);
    const cat = treeLines(processTree([...falco, ...tetragon]), new Set()).at(-1)?.node;
    expect(cat).toMatchObject({ asked: true, event: "tetragon:t:cat" });
  });
  it("keeps a pid that comes again apart, and other programs of it", () => {
    const later = { pid: 7, first: "2026-11-22T01:30:00Z" };
    expect(
      shape([
        row("a", null, { binary: "/bin/sh", pid: 7 }),
        row("b", "a", { binary: "/bin/id", pid: 7 }),
        row("c", "b", { binary: "/bin/sh", ...later }),
      ]),
    ).toEqual(["1 1/1 /bin/sh", "2 1/1 /bin/id", "3 1/1 /bin/sh"]);
  });
  it("shows every process even where parents go round", () => {
    const round = [
      row("a", null, { binary: "/bin/sh", pid: 7 }),
      row("b", "a", { binary: "/bin/id", pid: 8 }),
      row("c", "b", { binary: "/bin/sh", pid: 7 }),
    ];
    expect(shape(round)).toHaveLength(2);
  });
  it("names a process that has no program by its key", () => {
    expect(shape([row("17:", null, { binary: "" })])).toEqual(["1 1/1 17:"]);
  });
  it("leaves out what is under a closed one", () => {
    const top = processTree([row("nginx", null), row("sh", "nginx")]);
    expect(treeLines(top, new Set(["nginx"])).map((line) => line.node.id)).toEqual(["nginx"]);
  });
  it("ends with parents that are not there, and with ones that go in a circle", () => {
    expect(shape([row("a", "b"), row("b", "a"), row("c", "gone"), row("d", "d")])).toEqual([
      "1 1/3 /bin/b",
      "2 1/1 /bin/a",
      "1 2/3 /bin/c",
      "1 3/3 /bin/d",
    ]);
  });
  it("draws a very long chain", () => {
    const chain = Array.from({ length: 2_000 }, (_, at) => row(`p${at}`, at === 0 ? null : `p${at - 1}`));
    expect(treeLines(processTree(chain), new Set())).toHaveLength(2_000);
  });
});
