import { expect, test } from "vitest";
import { ownersOf, pairsOf } from "./owner";

test("the usual keys name an owner, with and without a prefix", () => {
  expect(
    ownersOf({
      labels: { team: "shop", app: "web", "app.kubernetes.io/part-of": "storefront" },
      annotations: { "example.org/Owner": "ann@example.org" },
    }),
  ).toEqual([
    { key: "example.org/Owner", value: "ann@example.org" },
    { key: "app.kubernetes.io/part-of", value: "storefront" },
    { key: "team", value: "shop" },
  ]);
});

test("keys that only contain such a word do not, nor do empty values", () => {
  expect(ownersOf({ labels: { "team-color": "red", steam: "x", owner: " " } })).toEqual([]);
});

test("the same pair counts once, and odd shapes count for nothing", () => {
  expect(ownersOf({ labels: { team: "a" }, annotations: { team: "a" } })).toHaveLength(1);
  expect(ownersOf({ labels: ["team"], annotations: null, tags: { team: 3 } })).toEqual([]);
  expect(pairsOf("text")).toEqual([]);
});
