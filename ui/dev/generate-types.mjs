// Writes the wire types of the API from its OpenAPI document: node dev/generate-types.mjs [DOCUMENT] [OUTPUT].
//
// An own generator of one page: the usual ones need a newer Node or an older TypeScript than this project has.
// It knows what the document of this API uses, and stops at anything else instead of writing `any`.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const KEYS = new Set([
  "$ref",
  "type",
  "properties",
  "required",
  "items",
  "enum",
  "const",
  "oneOf",
  "anyOf",
  "allOf",
  "additionalProperties",
  "propertyNames",
  "description",
  "title",
  "example",
  "examples",
  "default",
  "format",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "pattern",
  "minItems",
  "maxItems",
  "uniqueItems",
  "prefixItems",
  "exclusiveMinimum",
  "deprecated",
]);
const PLAIN = { string: "string", integer: "number", number: "number", boolean: "boolean", null: "null" };

const nameOf = (ref) => ref.slice(ref.lastIndexOf("/") + 1).replaceAll(/\W/g, "_");
const comment = (schema, pad) =>
  schema.description
    ? `${pad}/** ${schema.description.trim().replaceAll("*/", "*\\/").split("\n").join(`\n${pad} * `)} */\n`
    : "";

/** The TypeScript of a schema. */
export function typeOf(schema, pad = "", where = "schema") {
  for (const key of Object.keys(schema)) {
    if (!KEYS.has(key) && !key.startsWith("x-"))
      throw new Error(`${where}: nobody here knows the keyword ${key}`);
  }
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((word) => JSON.stringify(word)).join(" | ");
  const some = schema.oneOf ?? schema.anyOf;
  if (some) return some.map((each) => typeOf(each, pad, where)).join(" | ");
  if (schema.allOf) return schema.allOf.map((each) => typeOf(each, pad, where)).join(" & ");
  if (Array.isArray(schema.type))
    return schema.type.map((type) => typeOf({ ...schema, type }, pad, where)).join(" | ");
  if (schema.type === "array") {
    const item = typeOf(schema.items ?? {}, pad, `${where}[]`);
    return /[ |&]/.test(item) ? `(${item})[]` : `${item}[]`;
  }
  if (schema.type === "object" || schema.properties) return objectOf(schema, pad, where);
  if (schema.type === undefined) return "unknown";
  if (PLAIN[schema.type]) return PLAIN[schema.type];
  throw new Error(`${where}: nobody here knows the type ${schema.type}`);
}

function objectOf(schema, pad, where) {
  const required = new Set(schema.required ?? []);
  const lines = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
    return `${comment(property, `${pad}  `)}${pad}  ${key}${required.has(name) ? "" : "?"}: ${typeOf(property, `${pad}  `, `${where}.${name}`)};\n`;
  });
  const rest = schema.additionalProperties;
  if (rest && lines.length === 0)
    return `Record<string, ${rest === true ? "unknown" : typeOf(rest, pad, `${where}.*`)}>`;
  return lines.length > 0 ? `{\n${lines.join("")}${pad}}` : "Record<string, unknown>";
}

/** The whole file. */
export function generate(document) {
  const schemas = Object.entries(document.components?.schemas ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (schemas.length === 0) throw new Error("the document names no schema");
  const types = schemas.map(
    ([name, schema]) => `${comment(schema, "")}export type ${nameOf(name)} = ${typeOf(schema, "", name)};\n`,
  );
  return `// Generated from platform/openapi.json by \`npm run generate\`. Do not edit.\n\n${types.join("\n")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = (path) => fileURLToPath(new URL(path, import.meta.url));
  const [from = at("../../platform/openapi.json"), to = at("../src/api/schema.ts")] = process.argv.slice(2);
  writeFileSync(to, generate(JSON.parse(readFileSync(from, "utf8"))));
  console.log(`wrote ${to}`);
}
