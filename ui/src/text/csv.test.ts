import { describe, expect, it } from "vitest";
import { cell, csv } from "./csv";

describe("cell", () => {
  it("takes the force out of formulas, also behind blanks", () => {
    for (const evil of ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"])
      expect(cell(evil).replace(/^"/, "").startsWith("'")).toBe(true);
    expect(cell(-1.5)).toBe("-1.5");
  });
  it("quotes what would break the row", () => {
    expect(cell('a "b", c\nd')).toBe('"a ""b"", c\nd"');
  });
});

it("has every column of every row", () => {
  const rows = [
    { id: "1", asset: { name: "web" }, ids: ["a", "b"] },
    { id: "2", kev: true, proof: [{ x: 1 }], none: null },
  ];
  expect(csv(rows)).toBe('id,asset.name,ids,kev,proof\r\n1,web,a b,,\r\n2,,,true,"[{""x"":1}]"\r\n');
});
