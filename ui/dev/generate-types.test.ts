import { expect, it } from "vitest";
// @ts-expect-error a script without types
import { generate, typeOf } from "./generate-types.mjs";

it("writes what the API's document uses", () => {
  const document = {
    components: {
      schemas: {
        Severity: { type: "string", enum: ["low", "high"], description: "How bad." },
        Page_Row: {
          type: "object",
          required: ["items", "next"],
          properties: {
            items: { type: "array", items: { $ref: "#/components/schemas/Row" } },
            next: { type: ["string", "null"], description: "The next page." },
          },
        },
        Row: {
          allOf: [
            { $ref: "#/components/schemas/Base" },
            {
              type: "object",
              required: ["severity"],
              properties: {
                severity: { $ref: "#/components/schemas/Severity" },
                "size-max": { type: "integer" },
              },
            },
          ],
        },
        Base: {
          type: "object",
          properties: { limits: { type: "object", additionalProperties: { type: "integer" } }, any: {} },
        },
        Maybe: { oneOf: [{ type: "null" }, { $ref: "#/components/schemas/Row" }] },
      },
    },
  };
  expect(generate(document)).toMatchInlineSnapshot(`
    "// Generated from platform/openapi.json by \`npm run generate\`. Do not edit.

    export type Base = {
      limits?: Record<string, number>;
      any?: unknown;
    };

    export type Maybe = null | Row;

    export type Page_Row = {
      items: Row[];
      /** The next page. */
      next: string | null;
    };

    export type Row = Base & {
      severity: Severity;
      "size-max"?: number;
    };

    /** How bad. */
    export type Severity = "low" | "high";
    "
  `);
});

it("stops at what it does not know", () => {
  expect(() => typeOf({ type: "object", patternProperties: {} })).toThrow(/patternProperties/);
  expect(() => typeOf({ type: "date" })).toThrow(/date/);
  expect(() => generate({})).toThrow(/no schema/);
});
