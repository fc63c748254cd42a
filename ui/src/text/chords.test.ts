import { expect, it } from "vitest";
import { conflict, meant, readChord, readMoved } from "./chords";

it("reads one key or two", () => {
  expect(readChord(" g  f ")).toBe("g f");
  expect(readChord("é")).toBe("é");
  for (const bad of ["", "gf", "g f x", "Enter"]) expect(readChord(bad)).toBeNull();
});

it("follows moved keys, and forgets the ones they left", () => {
  const moved = { j: "n", "g f": "h f" };
  expect(meant("n", moved)).toBe("j");
  expect(meant("j", moved)).toBeNull();
  expect(meant("h f", moved)).toBe("g f");
  expect(meant("k", moved)).toBe("k");
});

it("swaps two keys", () => {
  const moved = { j: "k", k: "j" };
  expect([meant("j", moved), meant("k", moved)]).toEqual(["k", "j"]);
});

it("finds what stands in the way", () => {
  const all = ["j", "k", "g f"];
  expect(conflict("j", "k", all, {})).toBe("k");
  expect(conflict("j", "g", all, {})).toBe("g f");
  expect(conflict("g f", "j f", all, {})).toBe("j");
  expect(conflict("j", "x", all, {})).toBeUndefined();
  expect(conflict("k", "j", all, { j: "n" })).toBeUndefined();
});

it("drops what is no shortcut", () => {
  expect(readMoved('{"j":"n","k":7,"x":"Enter"}')).toEqual({ j: "n" });
  for (const bad of ["[", "null", "7", null]) expect(readMoved(bad)).toEqual({});
});
