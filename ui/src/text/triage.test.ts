import { expect, test } from "vitest";
import type { FindingDetail } from "../api/types";
import { changeOf, changeOfMany, draftOf, EMPTY, isEmpty, selectionOf, tagsOf } from "./triage";

const finding = (more: Partial<FindingDetail>) =>
  ({ status: "open", tags: [], version: 1, ...more }) as FindingDetail;

test("only what is other is asked for", () => {
  const from = draftOf(finding({ assignee: "ann", tags: ["a", "b"] }));
  expect(isEmpty(changeOf(from, from))).toBe(true);
  expect(
    changeOf(from, { ...from, status: "acknowledged", assignee: " ", tags: "b, c,,c", comment: " x " }),
  ).toEqual({
    status: "acknowledged",
    assignee: null,
    add_tags: ["c"],
    remove_tags: ["a"],
    comment: "x",
  });
});

test("a reason goes with what is set aside and with nothing else", () => {
  const from = draftOf(finding({}));
  const to = { ...from, reason: "no data", owner: "ann", approver: "bob", until: "2026-12-31" };
  expect(isEmpty(changeOf(from, to))).toBe(true);
  expect(changeOf(from, { ...to, status: "accepted", justification: "x" })).toEqual({
    status: "accepted",
    reason: "no data",
    owner: "ann",
    approver: "bob",
    until: "2026-12-31T23:59:59Z",
  });
  expect(changeOf(from, { ...to, status: "false-positive" })).toEqual({
    status: "false-positive",
    reason: "no data",
    justification: undefined,
  });
});

test("a decision can be worded anew and taken back", () => {
  const decision = { reason: "old", by: "cat", at: "2026-01-01T00:00:00Z" };
  const aside = draftOf(finding({ status: "false-positive", decision }));
  expect(changeOf(aside, { ...aside, reason: "new" })).toMatchObject({
    status: "false-positive",
    reason: "new",
  });
  expect(changeOf(aside, draftOf(finding({})))).toEqual({ status: "open" });
});

test("of many, what is left empty stays", () => {
  expect(isEmpty(changeOfMany(EMPTY))).toBe(true);
  expect(changeOfMany({ ...EMPTY, assignee: "-", tags: "wave-1" })).toEqual({
    assignee: null,
    add_tags: ["wave-1"],
  });
  expect(tagsOf(" a ,a, b,")).toEqual(["a", "b"]);
});

test("a filter of an address is a selection", () => {
  expect(
    selectionOf({ severity: "critical,high", kev: "true", suppressed: "false", q: "a,b", tag: undefined }),
  ).toEqual({
    severity: ["critical", "high"],
    kev: true,
    suppressed: false,
    q: "a,b",
  });
});
