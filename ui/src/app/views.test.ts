import { describe, expect, it } from "vitest";
import { addressName, RECENT_MAX, readViews, withRecent, withView } from "./views";

describe("readViews", () => {
  it("drops what is no view and what leads elsewhere", () => {
    const text = JSON.stringify([
      { name: "Mine", to: "/findings?kev=true" },
      { name: "Evil", to: "//evil.test/" },
      { name: "Evil", to: "/\\evil.test/" },
      { name: "Evil", to: "/\t/evil.test/" },
      { name: "Evil", to: "javascript:alert(1)" },
      { name: " ", to: "/" },
      { to: "/" },
      null,
      7,
    ]);
    expect(readViews(text, 10)).toEqual([{ name: "Mine", to: "/findings?kev=true" }]);
  });
  it("survives a broken store", () => {
    expect(readViews("{", 10)).toEqual([]);
    expect(readViews('{"name":"x"}', 10)).toEqual([]);
    expect(readViews(null, 10)).toEqual([]);
  });
});

it("moves a view that is saved under the same name", () => {
  const before = [
    { name: "a", to: "/1" },
    { name: "b", to: "/2" },
  ];
  expect(withView(before, { name: "a", to: "/3" })).toEqual([
    { name: "a", to: "/3" },
    { name: "b", to: "/2" },
  ]);
});

it("keeps the latest addresses, each once", () => {
  let list = withRecent([], { name: "x", to: "/x" });
  for (let at = 0; at < RECENT_MAX; at += 1) list = withRecent(list, { name: "n", to: `/${at}` });
  expect(list.map((each) => each.to)).not.toContain("/x");
  expect(withRecent(list, { name: "n", to: "/0" })[0]?.to).toBe("/0");
  expect(withRecent(list, { name: "n", to: "/0" })).toHaveLength(RECENT_MAX);
});

it("names an address by its filters, not by what is open", () => {
  expect(addressName("Findings", { severity: "high", finding: "f", hide: "kev" })).toBe(
    "Findings severity:high",
  );
});
