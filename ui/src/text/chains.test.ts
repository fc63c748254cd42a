import { describe, expect, it } from "vitest";
import { chains } from "./chains";

const graph = (...pairs: string[]) => ({
  edges: pairs.map((pair) => ({ from: pair.charAt(0), to: pair.charAt(1) })),
});
const rows = (...pairs: string[]) =>
  chains(graph(...pairs)).map((row) => (row[0]?.from ?? "") + row.map((edge) => edge.to).join(""));

describe("rows of a drawing", () => {
  it("leads on from box to box, from where nothing leads to", () => {
    expect(rows("bc", "ab", "cd")).toEqual(["abcd"]);
  });
  it("begins a row of its own where the way parts", () => {
    expect(rows("ab", "bc", "bd")).toEqual(["abc", "bd"]);
  });
  it("draws every edge once, in circles too", () => {
    for (const pairs of [["ab", "ba"], ["aa"], ["ab", "bc", "ca", "cd"], ["ab", "ab"]]) {
      const drawn = chains(graph(...pairs))
        .flat()
        .map((edge) => edge.from + edge.to);
      expect(drawn.sort()).toEqual([...pairs].sort());
    }
  });
});
