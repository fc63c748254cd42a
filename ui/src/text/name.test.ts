import { expect, it } from "vitest";
import { shortName } from "./name";

it("drops the registry's host and nothing else", () => {
  expect(shortName("registry.example/shop/checkout:1.14.2")).toBe("shop/checkout:1.14.2");
  expect(shortName("localhost:5000/app@sha256:0a")).toBe("app@sha256:0a");
  expect(shortName("localhost/app")).toBe("app");
  for (const whole of ["library/debian:12", "debian:12", "/srv/rootfs", "oci:images/a.b", "", "a.b/"]) {
    expect(shortName(whole)).toBe(whole === "oci:images/a.b" ? "a.b" : whole);
  }
});
