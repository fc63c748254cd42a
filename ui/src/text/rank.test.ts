import { expect, it } from "vitest";
import { points, ranked } from "./rank";

it("needs every word, wherever it stands", () => {
  expect(points("Attack paths", "path att")).toBeGreaterThan(0);
  expect(points("Attack paths", "path rule")).toBe(0);
});

it("prefers the start of the name, then the start of a word", () => {
  const names = ["Compare images", "Old images", "Images", "Homages"];
  expect(ranked(names, "im", (name) => name)).toEqual(["Images", "Compare images", "Old images"]);
});

it("keeps the order while nothing is typed", () => {
  expect(ranked(["b", "a"], " ", (name) => name)).toEqual(["b", "a"]);
});
