import { expect, it } from "vitest";
import { merge } from "./draft";

const base = { status: "open", assignee: "", note: "" };

it("keeps what was typed over what somebody else saved", () => {
  const merged = merge(base, { ...base, note: "mine" }, { ...base, status: "contained" });
  expect(merged).toEqual({
    draft: { status: "contained", assignee: "", note: "mine" },
    theirs: ["status"],
    conflicts: [],
  });
});

it("tells where both changed the same, and keeps one's own", () => {
  const merged = merge(base, { ...base, assignee: "ana" }, { ...base, assignee: "ben" });
  expect(merged.conflicts).toEqual(["assignee"]);
  expect(merged.draft.assignee).toBe("ana");
});

it("sees no conflict where both did the same", () => {
  expect(merge(base, { ...base, assignee: "ana" }, { ...base, assignee: "ana" }).conflicts).toEqual([]);
});
