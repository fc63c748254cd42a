import { expect, it } from "vitest";
import { isBackwards, lastHours, readMoment, toField } from "./range";

it("begins so many hours ago, whatever the zone", () => {
  expect(lastHours(24, Date.parse("2026-03-01T00:30:15.900Z"))).toEqual({
    from: "2026-02-28T00:30:15Z",
    to: undefined,
  });
});

it("reads fields as UTC and shows moments in them", () => {
  expect(readMoment("2026-11-22T01:02")).toBe("2026-11-22T01:02:00Z");
  expect(readMoment("2026-11-22T01:02:03")).toBe("2026-11-22T01:02:03Z");
  for (const bad of ["", "2026-11-22", "2026-13-22T01:02", "x"]) expect(readMoment(bad)).toBeUndefined();
  expect(toField("2026-11-22T01:02:03+02:00")).toBe("2026-11-21T23:02");
  expect(toField("soon")).toBe("");
});

it("knows a range that nothing can be in", () => {
  expect(isBackwards({ from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z" })).toBe(true);
  expect(isBackwards({ from: "2026-01-02T00:00:00Z" })).toBe(false);
});
