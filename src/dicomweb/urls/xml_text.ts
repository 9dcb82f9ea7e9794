/**
 * Character data of an XML document (XML 1.0, sections 2.4 and 4.1) in UTF-8.
 */
import type { Bytes } from "../bytes.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};
const UTF8 = new TextDecoder("utf-8", { fatal: true });
const REFERENCE = /&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(\w+));/g;

/** Returns undefined if the data is not UTF-8 or has an entity that XML does not predefine. */
export function decodeXmlText(bytes: Uint8Array): string | undefined {
  try {
    const raw = UTF8.decode(bytes);
    return raw.replace(REFERENCE, (_, decimal?: string, hex?: string, name?: string) => {
      if (name === undefined) {
        return String.fromCodePoint(decimal === undefined ? parseInt(hex!, 16) : Number(decimal));
      }
      const entity = ENTITIES[name];
      if (entity === undefined) throw new RangeError("Cannot read an entity that is not XML's own");
      return entity;
    });
  } catch {
    return undefined;
  }
}

/** Escapes a text for element content and for attributes in either quotes. */
export function encodeXmlText(text: string): Bytes {
  const escaped = text.replace(/[&<>"']/g, (char) => {
    const entity = Object.keys(ENTITIES).find((name) => ENTITIES[name] === char)!;
    return `&${entity};`;
  });
  return new TextEncoder().encode(escaped);
}
