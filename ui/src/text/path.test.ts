import { expect, test } from "vitest";
import { goalName, placeBox, stepKey, techniqueName, verdictTone } from "./path";

test("places are boxes, with a path where they are resources", () => {
  expect(placeBox({ kind: "workload", path: "apps/Deployment/shop/web" })).toEqual({
    kind: "Deployment",
    name: "shop/web",
    path: "apps/Deployment/shop/web",
  });
  expect(
    placeBox({ kind: "identity", subject: { kind: "service-account", namespace: "shop", name: "default" } })
      .path,
  ).toBe("core/ServiceAccount/shop/default");
  expect(placeBox({ kind: "identity", subject: { kind: "group", name: "system:authenticated" } })).toEqual({
    kind: "Group",
    name: "system:authenticated",
    path: null,
  });
  expect(placeBox({ kind: "secrets", namespace: "shop" }).name).toBe("all of shop");
  expect(placeBox({ kind: "secrets", namespace: null }).name).toBe("of every namespace");
});

test("words of a newer server are still shown", () => {
  expect(placeBox({ kind: "far-away" })).toEqual({ kind: "Place", name: "Far away", path: null });
  expect(techniqueName("new-trick")).toBe("New trick");
  expect(goalName("other-cluster")).toBe("Other cluster");
  expect(verdictTone("odd")).toBe("");
});

test("a step has the same key wherever it is met, and another step another one", () => {
  const from = { kind: "workload", path: "core/Pod/a/b" };
  const step = { from, to: { kind: "cluster-admin" }, technique: "everything", why: "x", grants: [] };
  expect(stepKey(step)).toBe(stepKey({ ...step, why: "y" }));
  expect(stepKey(step)).not.toBe(stepKey({ ...step, technique: "nsenter" }));
  expect(stepKey({ ...step, to: { kind: "identity", subject: { kind: "user", name: "a" } } })).not.toBe(
    stepKey({ ...step, to: { kind: "identity", subject: { kind: "group", name: "a" } } }),
  );
});
