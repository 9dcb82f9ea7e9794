/**
 * Parses JSON of variables and files, and names what shells and environment files do to it. No message
 * contains a part of the text.
 */

/** How damaged JSON looks. */
const DAMAGES: readonly (readonly [form: RegExp, fault: string])[] = [
  [/^\s*["']/, "is in quotes: remove those around the JSON"],
  [/^\s*e(?:yJ|wo|w0K)/, "is JSON in base64: decode it first, as `base64 -d` does"],
  [/^\s*\{\s*\\"/, "has a backslash before each quote: remove them"],
  [/-----BEGIN [A-Z ]{1,40}-----\r?\n/, "contains a line break within a string: write it as \\n"],
];

/** The value of a JSON text; or what is wrong with the text. */
export function parseJson(text: string):
  | { readonly value: unknown; readonly fault?: never }
  | { readonly value?: never; readonly fault: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "string") return { value };
  } catch {
    // Named below.
  }
  return { fault: DAMAGES.find(([form]) => form.test(text))?.[1] ?? "is not JSON" };
}
