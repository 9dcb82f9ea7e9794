/**
 * Finds the secrets of a configuration by the kinds of values in its schema.
 */
import type { z } from "zod";
import { sectionKeys } from "../gateway_config.ts";
import { serverKeys } from "../keys/server.ts";
import { chooseScheme, schemes } from "../schemes/schemes.ts";
import { type KeyPath, keyPath } from "../values/config_error.ts";
import { isObject } from "../values/keys_of.ts";
import { SECTION } from "../values/section.ts";
import { type SecretKind, secretKinds } from "../values/value_schemas.ts";

/** The paths of all secrets of a section as written, which may be invalid, and their kinds. */
export function secretKeys(section: unknown): ReadonlyMap<string, SecretKind> {
  const found = new Map<string, SecretKind>();
  const inShape = (shape: z.core.$ZodLooseShape, value: unknown, path: KeyPath): void => {
    if (!isObject(value)) return;
    for (const [key, inner] of Object.entries(value)) {
      if (Object.hasOwn(shape, key)) inSchema(shape[key]!, inner, [...path, key]);
    }
  };
  const inSchema = (schema: z.core.$ZodType, value: unknown, path: KeyPath): void => {
    const kind = secretKinds.get(schema as z.ZodType);
    if (kind !== undefined) {
      const secrets = textsIn(value, path).filter(([, text]) => kind.isSecret(text));
      for (const [at] of secrets) found.set(keyPath(at), kind);
    }
    const { def } = (schema as z.core.$ZodTypes)._zod;
    if ("innerType" in def) inSchema(def.innerType, value, path);
    else if (def.type === "pipe") {
      inSchema(def.in, value, path);
      inSchema(def.out, value, path);
    } else if (def.type === "union") {
      for (const option of def.options) inSchema(option, value, path);
    } else if (def.type === "object") inShape(def.shape, value, path);
    else if (def.type === "record" && isObject(value)) {
      for (const [key, item] of Object.entries(value)) {
        inSchema(def.valueType, item, [...path, key]);
      }
    } else if (def.type === "array" && Array.isArray(value)) {
      value.forEach((item, index) => inSchema(def.element, item, [...path, index]));
    }
  };
  const { Servers: _, ...shape } = sectionKeys;
  inShape(shape, section, [SECTION]);
  const servers = isObject(section) && isObject(section["Servers"]) ? section["Servers"] : {};
  // Keys of schemes that were not chosen may contain secrets, too.
  const ofSchemes = Object.assign({}, ...schemes.map(({ keys }) => keys));
  for (const [name, server] of Object.entries(servers)) {
    if (!isObject(server)) continue;
    const shape = { ...ofSchemes, ...serverKeys, ...chooseScheme(server).scheme?.keys };
    inShape(shape, server, [SECTION, "Servers", name]);
  }
  return found;
}

function textsIn(value: unknown, path: KeyPath): [KeyPath, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    textsIn(inner, [...path, Array.isArray(value) ? Number(key) : key])
  );
}
