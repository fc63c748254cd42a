import { describe, expect, it } from "vitest";
import { hasFilters, type Known, readQuery, writeQuery } from "./query";

const KNOWN: Known = {
  severity: ["critical", "high", "low"],
  kev: ["true", "false"],
  asset: null,
  package: null,
};

describe("readQuery", () => {
  it("tells filters from text", () => {
    expect(readQuery('severity:critical,high log4j kev:true "two words"', KNOWN)).toEqual({
      filters: { severity: "critical,high", kev: "true" },
      text: "log4j two words",
    });
  });
  it("reads quoted values with their quotes and spaces", () => {
    expect(readQuery(String.raw`asset:"my \"web\" \\ host"`, KNOWN)).toEqual({
      filters: { asset: String.raw`my "web" \ host` },
      text: "",
    });
  });
  it("leaves colons of other things alone", () => {
    expect(readQuery("org.apache:log4j https://x.test", KNOWN)).toEqual({
      filters: {},
      text: "org.apache:log4j https://x.test",
    });
  });
  it("says at which column what is wrong", () => {
    expect(readQuery("kev:true sev:high", KNOWN)).toMatchObject({ column: 10 });
    expect(readQuery("sever:high", KNOWN)).toMatchObject({ message: expect.stringContaining("severity") });
    expect(readQuery("x severity:high,wild", KNOWN)).toMatchObject({
      message: expect.stringContaining("wild"),
    });
    expect(readQuery('x asset:"open', KNOWN)).toEqual({ message: "The quote is not closed", column: 9 });
    expect(readQuery("kev:true kev:false", KNOWN)).toMatchObject({ column: 10 });
  });
  it("reads back what it writes", () => {
    const parsed = { filters: { severity: "high", asset: String.raw`a "b" \c` }, text: "x" };
    expect(readQuery(writeQuery(parsed), KNOWN)).toEqual(parsed);
  });
});

it("waits with filters until they are finished", () => {
  expect(hasFilters("severity:cri", KNOWN)).toBe(true);
  expect(hasFilters("org.apache:log4j", KNOWN)).toBe(false);
});
