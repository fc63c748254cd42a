import { expect, it } from "vitest";
import { visitsAt } from "./visit";

const MINUTE = 60_000;

it("calls nothing new on the first visit, nor where the store is broken", () => {
  for (const stored of [null, "", "x", "1", "1 x", `0 ${200 * MINUTE}`])
    expect(visitsAt(stored, 100 * MINUTE)).toEqual({ before: 100 * MINUTE, latest: 100 * MINUTE });
});

it("goes on with a visit that is not long over", () => {
  expect(visitsAt(`5 ${90 * MINUTE}`, 100 * MINUTE)).toEqual({ before: 5, latest: 100 * MINUTE });
});

it("begins another one after half an hour", () => {
  expect(visitsAt(`5 ${60 * MINUTE}`, 100 * MINUTE)).toEqual({ before: 60 * MINUTE, latest: 100 * MINUTE });
});
