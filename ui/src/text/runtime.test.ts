import { describe, expect, it } from "vitest";
import {
  assetName,
  assetPlace,
  callOf,
  commandOf,
  isTechnique,
  networkOf,
  techniqueAddress,
  timeLeft,
  valueWord,
} from "./runtime";

describe("assets", () => {
  it("leads to what is in a cluster", () => {
    const asset = "k8s:0a/apps/Deployment/shop/web";
    expect(assetPlace(asset)).toEqual({ scope: "k8s:0a", path: "apps/Deployment/shop/web" });
    expect(assetName(asset)).toBe("Deployment shop/web");
    expect(assetName("k8s:0a/core/Node/-/worker-1")).toBe("Node worker-1");
  });
  it("leaves others whole", () => {
    for (const other of ["", "arn:aws:iam::123456789012:role/x", "k8s:0a", "k8s:0a/apps/Deployment"]) {
      expect(assetPlace(other)).toBeNull();
      expect(assetName(other)).toBe(other);
    }
  });
});

describe("techniques", () => {
  it("lets only their names become part of an address", () => {
    for (const good of ["T1609", "T1059.004"]) expect(isTechnique(good)).toBe(true);
    for (const bad of ["", "T16", "T1609/../x", "T1059.4", "t1609", "javascript:x"])
      expect(isTechnique(bad)).toBe(false);
    expect(techniqueAddress("T1059.004")).toBe("https://attack.mitre.org/techniques/T1059/004/");
  });
});

describe("what an event says", () => {
  it("names processes, connections and calls", () => {
    expect(commandOf({ process: { binary: "/bin/sh", arguments: "-c id" } })).toBe("/bin/sh -c id");
    expect(commandOf({})).toBe("");
    expect(
      networkOf({
        protocol: "tcp",
        sourceIp: "10.0.0.7",
        destinationIp: "2001:db8::1",
        destinationPort: 443,
      }),
    ).toBe("tcp 10.0.0.7 to [2001:db8::1]:443");
    expect(networkOf({ destinationIp: "192.0.2.1", destinationName: "pool.example" })).toBe(
      "192.0.2.1 (pool.example)",
    );
    expect(
      callOf({
        verb: "create",
        resource: "pods",
        subresource: "exec",
        namespace: "shop",
        name: "web-1",
        outcome: "success",
      }),
    ).toBe("create pods/exec shop/web-1: success");
    expect(callOf({ operation: "GetObject", verb: "get" })).toBe("GetObject");
  });
});

describe("time left", () => {
  const now = Date.parse("2026-11-22T00:00:00Z");
  it.each([
    ["2026-11-22T00:00:30Z", "under a minute"],
    ["2026-11-22T00:20:00Z", "20 min"],
    ["2026-11-22T01:20:59Z", "1 h 20 min"],
    ["2026-11-24T03:00:00Z", "2 d 3 h"],
    ["2026-11-21T23:59:59Z", "over"],
    ["2026-11-22T00:00:00Z", "over"],
    ["no time", ""],
  ])("%s: %s", (until, words) => expect(timeLeft(until, now)).toBe(words));
});

describe("values of a plan", () => {
  it("tells nothing from an empty text and from the word null", () => {
    expect(valueWord(undefined)).toBe("not set");
    expect(valueWord(null)).toBe("not set");
    expect(valueWord("")).toBe("");
    expect(valueWord({ a: [1] })).toBe('{"a":[1]}');
    expect(valueWord(false)).toBe("false");
  });
});
