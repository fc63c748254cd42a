import { expect, it } from "vitest";
import { filterOf, findingSearch, parseSearch, stringifySearch, toggled } from "./search";

it("reads back what it writes", () => {
  const search = { severity: "critical,high", q: "a&b=c ü", asset: "sha256:0a", finding: "f1" };
  const text = stringifySearch(search);
  expect(text).toBe("?severity=critical,high&q=a%26b%3Dc+%C3%BC&asset=sha256:0a&finding=f1");
  expect(parseSearch(text)).toEqual(search);
  expect(stringifySearch({ q: "", sort: undefined })).toBe("");
});

it("keeps only what the API understands, in one order", () => {
  expect(
    findingSearch({
      severity: "high,evil,critical",
      state: "gone",
      kev: "yes",
      fixable: "true",
      sort: "rowid",
      x: "1",
    }),
  ).toEqual({ severity: "critical,high", fixable: "true" });
  expect(findingSearch({ q: "a".repeat(1_100), sort: "-last_seen" })).toEqual({ sort: "-last_seen" });
});

it("tells the filter from the view", () => {
  expect(filterOf({ severity: "high", sort: "package", hide: "epss", finding: "x" })).toEqual({
    severity: "high",
  });
});

it("toggles words of a list", () => {
  expect(toggled(undefined, "high")).toBe("high");
  expect(toggled("high", "low")).toBe("high,low");
  expect(toggled("high,low", "high")).toBe("low");
  expect(toggled("low", "low")).toBeUndefined();
});
