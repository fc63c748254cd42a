import { expect, test } from "vitest";
import { subjectOf } from "./subject";

test("a finding about an object is taken apart, and any other stays whole", () => {
  const about = (rule: string, title: string) => subjectOf({ rule, title, class: "misconfiguration" });
  expect(about("palisade.kube-posture/host-pid", "shop/Pod debug: It sees: everything.")).toEqual({
    rule: "host-pid",
    object: "shop/Pod debug",
    sentence: "It sees: everything.",
  });
  expect(about("a/b", "no object")).toEqual({ rule: "b", object: "", sentence: "no object" });
  expect(about("a/", ": odd").rule).toBe("a/");
  expect(subjectOf({ rule: "CVE-2024-1/x", title: "a: b", class: "vulnerability" })).toEqual({
    rule: "CVE-2024-1/x",
    object: "",
    sentence: "a: b",
  });
});
