import { expect, it } from "vitest";
import type { Facets } from "../../api/types";
import { clicked, excluded, GROUPS, options, totalOf } from "./facet-options";

const group = (name: string) => {
  const found = GROUPS.find((each) => each.name === name);
  if (!found) throw new Error(name);
  return found;
};
const FACETS: Facets = {
  severity: [
    { value: "high", count: 3 },
    { value: "unknown", count: 1 },
  ],
  kev: [{ value: false, count: 4 }],
  asset: [{ value: "sha256:0a", label: "app", count: 4 }],
};

it("offers every common value, worst first, and rare ones where there are some", () => {
  const values = options(group("severity"), FACETS, {}).map((each) => [each.value, each.count]);
  expect(values).toEqual([
    ["critical", 0],
    ["high", 3],
    ["medium", 0],
    ["low", 0],
    ["unknown", 1],
  ]);
  expect(options(group("severity"), FACETS, { severity: "none" }).find((each) => each.on)?.value).toBe(
    "none",
  );
});

it("takes flags as words or as booleans, and says when nobody counted", () => {
  expect(options(group("kev"), FACETS, {}).map((each) => each.count)).toEqual([0, 4]);
  expect(options(group("suppressed"), FACETS, {}).map((each) => each.count)).toEqual([undefined, undefined]);
});

it("keeps a chosen value that is not among the most frequent", () => {
  const list = options(group("asset"), FACETS, { asset: "sha256:ff" });
  expect(list.map((each) => [each.label, each.on])).toEqual([
    ["sha256:ff", true],
    ["app", false],
  ]);
  // A package name may contain a comma; it is one value.
  expect(options(group("package"), FACETS, { package: "a,b" }).map((each) => each.value)).toEqual(["a,b"]);
});

it("widens a list and swaps a single value", () => {
  expect(clicked(group("severity"), "low", { severity: "high" })).toEqual({ severity: "high,low" });
  expect(clicked(group("kev"), "true", { kev: "false" })).toEqual({ kev: "true" });
  expect(clicked(group("kev"), "true", { kev: "true" })).toEqual({ kev: undefined });
});

it("counts the findings under the filter", () => {
  expect(totalOf(FACETS, {})).toBe(4);
  expect(totalOf(FACETS, { severity: "high,low" })).toBe(3);
  expect(totalOf({ ...FACETS, matching: 7 }, {})).toBe(7);
  expect(totalOf(undefined, {})).toBeUndefined();
});

it("excludes by choosing the others, where all of them are known", () => {
  const severity = group("severity");
  expect(excluded(severity, "critical", {})?.severity?.split(",")).toEqual(
    severity.fixed?.filter((each) => each !== "critical"),
  );
  expect(excluded(severity, "high", { severity: "high,low" })).toEqual({ severity: "low" });
  expect(excluded(severity, "high", { severity: "high" })).toBeNull();
  expect(excluded(group("kev"), "true", {})).toEqual({ kev: "false" });
  expect(excluded(group("asset"), "a", {})).toBeNull();
});
