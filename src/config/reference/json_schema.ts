/**
 * The JSON Schema of the configuration file, made from the schema that checks it, so that an editor
 * can complete and explain keys. Rules between keys are not in it: `check` knows them all.
 *
 * @module
 */
import { z } from "zod";
import { configVersion, sectionKeys } from "../gateway_config.ts";
import { SERVER_NAME, serverKeys } from "../keys/server.ts";
import { schemes } from "../schemes/schemes.ts";
import { keysOf } from "../values/keys_of.ts";
import { SECTION } from "../values/section.ts";

/** A JSON Schema as plain data. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What a variable looks like to an editor, which does not know its value. */
const REFERENCE = "\\$\\{";

/** The JSON Schema of a part of the configuration, variables left out. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      // zod leaves out the default of what accepts more than it gives.
      if (def.type === "default") jsonSchema.default = def.defaultValue;
      if (def.type === "prefault" && typeof def.defaultValue === "object") {
        delete jsonSchema.default;
      }
    },
  });
}

/** The schema for editors: wherever text or a number may stand, `${NAME}` may stand too. */
export function editorSchema(): JsonSchema {
  const server = z.union(withSharedKeys(schemes.map(({ title, keys }) => ({
    title,
    shape: { ...serverKeys, ...keys },
  }))));
  const servers = z.record(z.string().regex(SERVER_NAME), server);
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

/** Objects whose common keys are described once, under `$defs`, each by its own name. */
function withSharedKeys(
  objects: readonly { readonly title: string; readonly shape: z.core.$ZodLooseShape }[],
): z.ZodType[] {
  const uses = new Map<z.core.$ZodType, number>();
  for (const { shape } of objects) {
    for (const schema of Object.values(shape)) uses.set(schema, (uses.get(schema) ?? 0) + 1);
  }
  const named = new Map<z.core.$ZodType, z.ZodType>();
  const ids = new Set<string>();
  const nameOf = (key: string, schema: z.core.$ZodType): z.core.$ZodType => {
    if (uses.get(schema) === 1) return schema;
    const known = named.get(schema);
    if (known !== undefined) return known;
    const id = ids.has(key) ? `${key}_${ids.size}` : key;
    ids.add(id);
    const made = (schema as z.ZodType).meta({
      ...z.globalRegistry.get(schema as z.ZodType),
      id,
    });
    named.set(schema, made);
    return made;
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
