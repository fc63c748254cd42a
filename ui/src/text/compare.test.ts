import { expect, it } from "vitest";
import type { FindingRow, PackageRow } from "../api/types";
import { compare } from "./compare";

const pkg = (name: string, version: string, type = "npm"): PackageRow => ({
  type,
  name,
  version,
  purl: `pkg:${type}/${name}@${version}`,
});
const finding = (rule: string, of: PackageRow): FindingRow => ({
  fingerprint: `${rule} ${of.purl}`,
  rule,
  title: rule,
  class: "vulnerability",
  severity: "high",
  severity_source: "",
  risk: 40,
  state: "open",
  asset: { id: "a", name: "a", kind: "image" },
  package: of,
  fix: { state: "unknown" },
  kev: false,
  first_seen_at: "",
  last_seen_at: "",
  status: "open",
  version: 1,
});

it("tells what came, went and changed, and what became of findings", () => {
  const before = {
    packages: [pkg("left", "1"), pkg("gone", "1"), pkg("same", "1"), pkg("twice", "1"), pkg("twice", "2")],
    findings: [finding("CVE-1", pkg("left", "1")), finding("CVE-2", pkg("left", "1"))],
  };
  const after = {
    packages: [pkg("left", "2"), pkg("new", "1"), pkg("same", "1"), pkg("twice", "2"), pkg("twice", "1")],
    findings: [finding("CVE-2", pkg("left", "2")), finding("CVE-3", pkg("new", "1"))],
  };
  const found = compare(before, after);
  expect(found.packages.map((each) => [each.name, each.change, each.gone, each.fresh])).toEqual([
    ["new", "added", 0, 1],
    ["left", "changed", 1, 0],
    ["gone", "removed", 0, 0],
  ]);
  expect(found.same).toBe(2);
  expect(found.gone.map((row) => row.rule)).toEqual(["CVE-1"]);
  expect(found.fresh.map((row) => row.rule)).toEqual(["CVE-3"]);
  expect(found.both).toBe(1);
});

it("keeps packages of the same name in two ecosystems apart", () => {
  const found = compare(
    { packages: [pkg("x", "1", "deb")], findings: [] },
    { packages: [pkg("x", "1", "npm")], findings: [] },
  );
  expect(found.packages.map((each) => each.change).sort()).toEqual(["added", "removed"]);
});

it("counts a finding once, however often it is found", () => {
  const row = finding("CVE-1", pkg("x", "1"));
  const found = compare({ packages: [], findings: [] }, { packages: [pkg("x", "1")], findings: [row, row] });
  expect(found.fresh).toHaveLength(1);
});
