import { expect, test } from "vitest";
import { isWorkload, kindName, resourceId, resourceName, shortPath } from "./resource";

test("paths of objects come apart, with or without a namespace", () => {
  expect(resourceName("apps/Deployment/shop/web")).toEqual({
    kind: "Deployment",
    namespace: "shop",
    name: "web",
  });
  expect(resourceName("core/Node/-/node-1")).toEqual({ kind: "Node", namespace: "", name: "node-1" });
  expect(shortPath("apps/Deployment/shop/web")).toBe("shop/web");
  expect(shortPath("core/Node/-/node-1")).toBe("node-1");
});

test("resources of AWS come apart at the word for their kind", () => {
  for (const [arn, kind, name] of [
    ["arn:aws:iam::1:role/a/b/c", "iam role", "a/b/c"],
    ["arn:aws:lambda:eu-west-1:1:function:resize", "lambda function", "resize"],
    ["arn:aws:s3:::logs", "s3", "logs"],
    ["arn:aws:apigateway:eu-west-1::/restapis/a", "apigateway restapis", "a"],
    ["arn:aws", "", "arn:aws"],
  ])
    expect(resourceName(arn ?? "")).toEqual({ kind, namespace: "", name });
});

test("what is no such path is shown whole", () => {
  expect(resourceName("registry.example.org/web:1").name).toBe("registry.example.org/web:1");
  expect(resourceName("").name).toBe("");
  expect(resourceName("a/b/c/d/e").name).toBe("d/e");
});

test("kinds lose their group, not their service", () => {
  expect(kindName("Deployment.apps")).toBe("Deployment");
  expect(kindName("Pod")).toBe("Pod");
  expect(kindName("aws:s3:bucket")).toBe("aws:s3:bucket");
  expect(isWorkload("aws:iam:role")).toBe(true);
  expect(isWorkload("CronJob.batch")).toBe(true);
  expect(isWorkload("Service")).toBe(false);
});

test("an id is the scope and the path", () => {
  expect(resourceId("k8s:1", "core/Pod/a/b")).toBe("k8s:1/core/Pod/a/b");
  expect(resourceId("account:prod", "arn:aws:s3:::logs")).toBe("arn:aws:s3:::logs");
});
