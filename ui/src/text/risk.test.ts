import { expect, test } from "vitest";
import type { RiskTerm } from "../api/types";
import { formula } from "./risk";

test("the formula has every term in its place", () => {
  const terms: RiskTerm[] = [
    { name: "impact", value: 98, why: "" },
    { name: "exploitation", value: 45, why: "" },
    { name: "remedy", value: 95, why: "" },
    { name: "exposure", value: 15, why: "" },
    { name: "in-use", value: 5, why: "" },
    { name: "privilege", value: 0, why: "" },
  ];
  expect(formula(terms)).toBe("98 × 45 % × 95 % × (70 + 15 + 5 + 0) %");
});
