/**
 * Freezes a configuration, so that it cannot change after it was checked.
 */
import { Secret } from "./secret.ts";

/** The type of a value after {@linkcode deepFreeze}. */
export type Frozen<Type> = Type extends Secret ? Type
  : Type extends ReadonlyMap<infer Key, infer Value> ? ReadonlyMap<Key, Frozen<Value>>
  : Type extends object ? { readonly [Key in keyof Type]: Frozen<Type[Key]> }
  : Type;

/** Freezes a value and everything in it: plain objects, lists, maps and secrets. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map) {
    for (const inner of value.values()) deepFreeze(inner);
    // Freezing alone leaves a map's entries open to change.
    for (const method of ["set", "delete", "clear"]) {
      Object.defineProperty(value, method, { value: refuse });
    }
  } else if (!(value instanceof Secret)) {
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return Object.freeze(value);
}

function refuse(): never {
  throw new TypeError("Cannot change the configuration: it is frozen");
}
