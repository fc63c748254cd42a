import { describe, expect, it } from "vitest";
import { FORMAT_IDS } from "./runtime";
import { doorAddress, snippetsOf, TOKEN_PLACE } from "./snippets";

const ORIGIN = "https://palisade.example:8443";
const TOKEN = "pse_0123456789abcdef";

const only = (format: string, token = TOKEN, origin = ORIGIN) =>
  snippetsOf(format, "cluster-a", origin, token)
    .map((each) => each.text)
    .join("\n");

describe("configuration for senders", () => {
  it.each(FORMAT_IDS)("%s names the door and the token", (format) => {
    const text = only(format);
    expect(text).toContain("/api/v1/ingest/cluster-a");
    expect(text).toContain(TOKEN);
  });
  it.each(FORMAT_IDS)("%s shows where the token goes once it is not known", (format) => {
    expect(only(format, "")).toContain(TOKEN_PLACE);
  });
  it("lets Falco send the token as a password, since it can send no header", () => {
    expect(only("falco")).toContain(
      `url: "https://palisade:${TOKEN}@palisade.example:8443/api/v1/ingest/cluster-a"`,
    );
  });
  it("gives exporters of OTLP the address that they post to", () => {
    expect(only("otlp")).toContain(`"${ORIGIN}/api/v1/ingest/cluster-a/v1/logs"`);
  });
  it("splits the address for Fluent Bit, with TLS where there is any", () => {
    expect(only("tetragon")).toContain("host: palisade.example\n      port: 8443");
    expect(only("tetragon")).toContain("tls: on");
    const plain = only("tetragon", TOKEN, "http://localhost");
    expect(plain).toContain("port: 80\n");
    expect(plain).not.toContain("tls");
  });
  it("lets nothing into a file that could end its line or its quotes", () => {
    const bad = "x\"\n- 'y";
    expect(only("falco", bad)).toContain(TOKEN_PLACE);
    expect(doorAddress(ORIGIN, bad)).not.toMatch(/["\n]/);
  });
});
