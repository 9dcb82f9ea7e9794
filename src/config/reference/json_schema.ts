/**
 * Generates the JSON Schema of the configuration file, with which editors complete and explain keys. It
 * does not contain the rules between keys: `check` applies all.
 */
import { z } from "zod";
import { configVersion, sectionKeys } from "../gateway_config.ts";
import { serverKeys } from "../keys/server.ts";
import { schemes } from "../schemes/schemes.ts";
import { keysOf, PLAIN_NAME } from "../values/keys_of.ts";
import { SECTION } from "../values/section.ts";

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** A reference, whose value an editor does not know. */
const REFERENCE = "\\$\\{";

/** The JSON Schema of a part of the configuration, without `${NAME}`. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      // zod omits the default if input and output differ.
      if (def.type === "default") jsonSchema.default = def.defaultValue;
      if (def.type === "prefault" && typeof def.defaultValue === "object") {
        delete jsonSchema.default;
      }
    },
  });
}

/** The schema for editors, which also allows `${NAME}` in place of values. */
export function editorSchema(): JsonSchema {
  const server = z.union(withSharedKeys(schemes.map(({ title, keys }) => ({
    title,
    shape: { ...serverKeys, ...keys },
  }))));
  const servers = z.record(z.string().regex(PLAIN_NAME), server);
  const file = z.looseObject({
    ConfigVersion: configVersion.optional().describe("Version of the plugin's format"),
    [SECTION]: keysOf({
      ...sectionKeys,
      Servers: servers.describe(sectionKeys.Servers.description ?? ""),
    }).describe("The section of the gateway"),
  });
  return withReferences({
    ...jsonSchemaOf(file),
    title: "Configuration of the DICOMweb OAuth Gateway",
  }) as JsonSchema;
}

/** Objects whose common keys are defined once, in `$defs`, under their own names. */
function withSharedKeys(
  objects: readonly { readonly title: string; readonly shape: z.core.$ZodLooseShape }[],
): z.ZodType[] {
  const uses = new Map<z.core.$ZodType, number>();
  for (const { shape } of objects) {
    for (const schema of Object.values(shape)) uses.set(schema, (uses.get(schema) ?? 0) + 1);
  }
  const named = new Map<z.core.$ZodType, z.ZodType>();
  const nameOf = (key: string, schema: z.core.$ZodType): z.core.$ZodType => {
    if (uses.get(schema) === 1) return schema;
    const shared = named.get(schema) ?? (schema as z.ZodType).meta({ id: key });
    named.set(schema, shared);
    return shared;
  };
  return objects.map(({ title, shape }) =>
    z.strictObject(Object.fromEntries(
      Object.entries(shape).map(([key, schema]) => [key, nameOf(key, schema)]),
    )).meta({ title })
  );
}

function withReferences(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withReferences);
  if (typeof schema !== "object" || schema === null) return schema;
  const { propertyNames, ...rest } = schema as Record<string, unknown>;
  const inner = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, withReferences(value)]),
  );
  return { ...orReference(inner), ...(propertyNames !== undefined && { propertyNames }) };
}

function orReference(schema: Record<string, unknown>): Record<string, unknown> {
  const { type, pattern, ...rest } = schema;
  if (type === "number" || type === "integer" || type === "boolean") {
    return { ...rest, type: [type, "string"], pattern: REFERENCE };
  }
  if (type !== "string") return schema;
  if (pattern !== undefined) return { ...schema, pattern: `(?:${pattern})|${REFERENCE}` };
  if (rest["enum"] === undefined && rest["const"] === undefined) return schema;
  const { description, default: standard, ...value } = rest;
  return {
    ...(description !== undefined && { description }),
    ...(standard !== undefined && { default: standard }),
    anyOf: [{ type, ...value }, { type, pattern: REFERENCE }],
  };
}
