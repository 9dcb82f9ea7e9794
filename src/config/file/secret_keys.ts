/**
 * Finds the secrets of a configuration by the kinds of values in its schema.
 *
 * @module
 */
import type { z } from "zod";
import { sectionKeys } from "../gateway_config.ts";
import { serverKeys } from "../keys/server.ts";
import { chooseScheme, schemes } from "../schemes/schemes.ts";
import { type KeyPath, keyPath } from "../values/config_error.ts";
import { isObject } from "../values/keys_of.ts";
import { SECTION } from "../values/section.ts";
import { secretKinds } from "../values/value_schemas.ts";

/** The paths of all secrets of a section as written, which may be invalid. */
export function secretKeys(section: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  const { Servers: _, ...shape } = sectionKeys;
  inShape(shape, section, [SECTION], found);
  const servers = isObject(section) ? section["Servers"] : undefined;
  if (!isObject(servers)) return found;
  for (const [name, server] of Object.entries(servers)) {
    if (!isObject(server)) continue;
    const { scheme } = chooseScheme(server);
    // Keys of schemes that were not chosen may contain secrets, too.
    const others = schemes.map(({ keys }) => keys);
    const shape = Object.assign({}, ...others, serverKeys, scheme?.keys);
    inShape(shape, server, [SECTION, "Servers", name], found);
  }
  return found;
}

function inShape(
  shape: z.core.$ZodLooseShape,
  value: unknown,
  path: KeyPath,
  found: Set<string>,
): void {
  if (!isObject(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (Object.hasOwn(shape, key)) inSchema(shape[key]!, inner, [...path, key], found);
  }
}

function inSchema(
  schema: z.core.$ZodType,
  value: unknown,
  path: KeyPath,
  found: Set<string>,
): void {
  const kind = secretKinds.get(schema as z.ZodType);
  if (kind !== undefined) {
    for (const [at, text] of textsIn(value, path)) if (kind.isSecret(text)) found.add(keyPath(at));
  }
  const inner = (schema: z.core.$ZodType, value: unknown, ...steps: PropertyKey[]) =>
    inSchema(schema, value, [...path, ...steps], found);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if ("innerType" in def) inner(def.innerType, value);
  else if (def.type === "pipe") {
    inner(def.in, value);
    inner(def.out, value);
  } else if (def.type === "union") def.options.forEach((option) => inner(option, value));
  else if (def.type === "object") inShape(def.shape, value, path, found);
  else if (def.type === "record" && isObject(value)) {
    for (const [key, item] of Object.entries(value)) inner(def.valueType, item, key);
  } else if (def.type === "array" && Array.isArray(value)) {
    value.forEach((item, index) => inner(def.element, item, index));
  }
}

function* textsIn(value: unknown, path: KeyPath): Iterable<[KeyPath, string]> {
  if (typeof value === "string") yield [path, value];
  else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      yield* textsIn(inner, [...path, Array.isArray(value) ? Number(key) : key]);
    }
  }
}
