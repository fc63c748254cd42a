import { describe, expect, it } from "vitest";
import { absolute, absoluteSpan, age, duration, micros, relative } from "./time";

const NOW = Date.parse("2026-11-22T12:00:00Z");

it("tells how long ago", () => {
  expect(relative("2026-11-22T11:59:31Z", NOW)).toBe("just now");
  expect(relative("2026-11-22T11:00:00Z", NOW)).toBe("1 hour ago");
  expect(relative("2026-11-21T11:00:00Z", NOW)).toBe("yesterday");
  expect(relative("2024-11-01T00:00:00Z", NOW)).toBe("2 years ago");
  expect(relative("2026-11-22T12:05:00Z", NOW)).toBe("in 5 minutes");
  expect(relative("rubbish", NOW)).toBe("");
});

it("tells it short", () => {
  expect(age("2026-11-22T11:59:31Z", NOW)).toBe("now");
  expect(age("2026-11-19T11:00:00Z", NOW)).toBe("3d");
  expect(age("2026-09-19T11:00:00Z", NOW)).toBe("2mo");
  expect(age("2026-11-23T00:00:00Z", NOW)).toBe("now");
});

it("writes absolute times in UTC and leaves what is no time alone", () => {
  expect(absolute("2026-11-22T13:00:00+01:00")).toBe("2026-11-22 12:00:00 UTC");
  expect(absolute("soon")).toBe("soon");
});

it("measures", () => {
  expect(duration("2026-11-22T12:00:00Z", "2026-11-22T12:00:00.250Z")).toBe("250 ms");
  expect(duration("2026-11-22T12:00:00Z", "2026-11-22T12:00:01.440Z")).toBe("1.4 s");
  expect(duration("2026-11-22T12:00:00Z", "2026-11-22T12:02:05Z")).toBe("2 min 5 s");
  expect(duration("2026-11-22T12:00:00Z", null)).toBe("");
});

it("gives a measured time the unit that suits it", () => {
  expect(
    [0, 12.4, 999, 1_000, 12_440, 99_949, 99_950, 388_000, 999_499, 999_500, 1_310_000, 30_000_000].map(
      micros,
    ),
  ).toEqual([
    "0 µs",
    "12 µs",
    "999 µs",
    "1.0 ms",
    "12.4 ms",
    "99.9 ms",
    "100 ms",
    "388 ms",
    "999 ms",
    "1.00 s",
    "1.31 s",
    "30 s",
  ]);
});

describe("spans", () => {
  it.each([
    ["2026-11-22T01:00:00.1Z", "2026-11-22T01:00:00.9Z", "2026-11-22 01:00:00 UTC"],
    ["2026-11-22T01:00:00Z", "2026-11-22T01:20:05Z", "2026-11-22 01:00:00 to 01:20:05 UTC"],
    ["2026-11-22T23:00:00Z", "2026-11-23T01:00:00Z", "2026-11-22 23:00:00 to 2026-11-23 01:00:00 UTC"],
  ])("%s to %s", (first, last, words) => expect(absoluteSpan(first, last)).toBe(words));
});
