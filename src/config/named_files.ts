/**
 * Finds the files that a configuration names in its keys, so that the supervisor can read them for
 * the worker, which may read none.
 *
 * @module
 */
import type { z } from "zod";
import type { KeyPath } from "./config_error.ts";
import { chooseWay } from "./credentials/signing_ways.ts";
import { isObject, rawKeys } from "./read_context.ts";
import { SECTION, sectionSchema } from "./schema.ts";
import { innermost } from "./schema_issues.ts";
import { serverKeys, serverSchema } from "./server.ts";
import { fileKeys } from "./value_schemas.ts";

/** A file that a configuration names. */
export interface NamedFile {
  /** The key that names it. */
  readonly path: KeyPath;
  /** Its path as written. */
  readonly file: string;
}

/**
 * Lists the files that the section of a configuration names.
 *
 * @param section The section as written, whether or not it is right.
 * @returns The files with the keys that name them.
 */
export function namedFiles(section: unknown): NamedFile[] {
  const found = filesIn(sectionSchema.shape, rawKeys(section), [SECTION]);
  for (const [name, server] of Object.entries(rawKeys(rawKeys(section)["Servers"]))) {
    if (!isObject(server)) continue;
    const { way } = chooseWay(server);
    const shape = way === undefined ? serverKeys : serverSchema(way).shape;
    found.push(...filesIn(shape, server, [SECTION, "Servers", name]));
  }
  return found;
}

function filesIn(
  shape: z.core.$ZodLooseShape,
  raw: Readonly<Record<string, unknown>>,
  path: KeyPath,
): NamedFile[] {
  return Object.entries(shape).flatMap(([key, schema]) => {
    const value = Object.hasOwn(raw, key) ? raw[key] : undefined;
    const at = [...path, key];
    if (typeof value === "string") {
      return namesFile(schema, value) ? [{ path: at, file: value }] : [];
    }
    const { def } = (innermost(schema) as z.core.$ZodTypes)._zod;
    if (def.type === "object") return filesIn(def.shape, rawKeys(value), at);
    if (def.type !== "record") return [];
    // Values of one kind by name, as of the issuers of tokens.
    const names = Object.keys(rawKeys(value));
    return filesIn(
      Object.fromEntries(names.map((name) => [name, def.valueType])),
      rawKeys(value),
      at,
    );
  });
}

/** `VerifySSL` is a boolean or a path, and a variable leaves the boolean as text. */
function namesFile(schema: z.core.$ZodType, value: string): boolean {
  if (value === "" || value === "true" || value === "false") return false;
  for (let inner: z.core.$ZodType | undefined = schema; inner; inner = within(inner)) {
    if (fileKeys.has(inner)) return true;
  }
  return false;
}

function within(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  return "innerType" in def ? def.innerType : schema._zod.parent;
}
