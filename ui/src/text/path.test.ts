import { expect, test } from "vitest";
import {
  dependsOn,
  goalName,
  pathKey,
  placeBox,
  portWord,
  principalBox,
  sourceBox,
  statementWord,
  stepKey,
  techniqueName,
  verdictTone,
} from "./path";

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

test("places of accounts are boxes too, with the ARN where they are resources", () => {
  const role = "arn:aws:iam::123456789012:role/team/deploy";
  expect(placeBox({ kind: "identity", arn: role })).toEqual({
    kind: "iam role",
    name: "team/deploy",
    path: role,
  });
  expect(placeBox({ kind: "resource", id: "arn:aws:s3:::logs" }).name).toBe("logs");
  expect(placeBox({ kind: "internet" }).name).toBe("Internet");
  expect(placeBox({ kind: "account", account: "1" })).toEqual({ kind: "Account", name: "1", path: null });
  expect(placeBox({ kind: "administrator", account: "1" }).kind).toBe("Goal");
  expect(principalBox({ kind: "anyone" }).name).toBe("of the internet");
  expect(principalBox({ kind: "service", service: "ec2.amazonaws.com" }).name).toBe("ec2.amazonaws.com");
});

test("paths of clusters and accounts have a source and a key", () => {
  const workload = { source: "core/Pod/a/b", goal: "node", steps: [] };
  const outside = { source: { kind: "internet" }, goal: "administrator", steps: [] };
  expect([sourceBox(workload).name, sourceBox(outside).name]).toEqual(["a/b", "Internet"]);
  expect(pathKey(workload)).not.toBe(pathKey(outside));
  expect(pathKey(outside)).not.toBe(pathKey({ ...outside, source: { kind: "account", account: "1" } }));
});

test("a statement says where it is and what it depends on", () => {
  const statement = {
    role: "identity",
    policy: "arn:aws:iam::1:role/r",
    inline: "own",
    statement: 0,
    sid: "Read",
    denies: false,
    certain: false,
    conditions: ["aws:sourceip"],
  };
  expect(statementWord(statement)).toBe("statement 1 (Read) of own");
  expect(statementWord({ ...statement, sid: null, inline: null })).toBe("statement 1");
  expect(dependsOn(statement)).toBe("depends on aws:sourceip");
  expect(dependsOn({ ...statement, conditions: [] })).toBe("depends on what is not known");
  expect(dependsOn({ ...statement, certain: true })).toBe("");
});

test("ports are told as they are sent on, in ranges, or all at once", () => {
  const entry = { verdict: "open", door: "x", protocol: "tcp", path: [], why: "", policies: [] };
  expect(portWord({ ...entry, port: 80, target: 8080 })).toBe("tcp 80 to 8080");
  expect(portWord({ ...entry, port: 22, last_port: 80, target: 22 })).toBe("tcp 22–80");
  expect(portWord({ ...entry, protocol: "all", port: 0, last_port: 65_535, target: 0 })).toBe(
    "any protocol on every port",
  );
});
