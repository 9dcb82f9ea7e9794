/**
 * The JSON Schema of the configuration file, made from the schema that checks it, so that an editor
 * can complete and explain keys. Rules between keys are not in it: `check` knows them all.
 *
 * @module
 */
import { z } from "zod";
import { fileSchema } from "./schema.ts";

/** A JSON Schema as plain data. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What a variable looks like to an editor, which does not know its value. */
const REFERENCE = "\\$\\{";

/**
 * The JSON Schema of a part of the configuration, variables left out.
 *
 * @param schema The part.
 * @returns Its schema.
 */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      // zod leaves out the default of what accepts more than it gives.
      if (def.type === "default") jsonSchema.default = def.defaultValue;
      if (def.type === "prefault") delete jsonSchema.default;
    },
  });
}

/**
 * The schema for editors: wherever text or a number may stand, `${NAME}` may stand too.
 *
 * @returns The schema of the file.
 */
export function editorSchema(): JsonSchema {
  return withReferences({
    ...jsonSchemaOf(fileSchema()),
    title: "Configuration of the DICOMweb OAuth Gateway",
  }) as JsonSchema;
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
