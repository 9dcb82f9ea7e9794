/**
 * Detects requests that a store could take for a request of another method: the gateway cannot know what
 * they do, whatever their method and path look like.
 *
 * @module
 */
import { decodings } from "./decoding.ts";

/** No attribute has a longer path; what follows takes time that grows faster than the name. */
const MAX_NAME_LENGTH = 256;
/** Names that need no closer look: they are written plainly and contain none of the words below. */
const PLAIN_NAME = /^[A-Za-z0-9_.,-]*$/;
const SUSPICIOUS = /method|http|verb/i;

/** DICOM attributes such as `LossyImageCompressionMethod`, alone or at the end of a path of sequences. */
const ATTRIBUTE = /^(?:[A-Z][A-Za-z]+\.)*[A-Z][a-z][A-Za-z]*Method[A-Za-z]*$/;
/** What no attribute is called. */
const NO_ATTRIBUTE = /http|verb|override|request/i;
/** A parameter of Retrieve Rendered MPR and Rendered 3D (PS3.18, section 8.3.5.1.5). */
const RENDERING_METHOD = "renderingmethod";

/** Body types of HTML forms; Rails, Spring and others read the method from a field of theirs. */
const FORM = /x-www-form-urlencoded|multipart\/form-data/i;

/**
 * Whether a query could make a store take the request for one of another method: `$httpMethod` and
 * `$httpHeaders` of Google, `X-HTTP-Method-Override`, `_method` of many frameworks, in any spelling
 * that one of them takes for the same name (`_method[]` and `_method%00` of PHP, encoded twice, other
 * case, full-width letters, `;` between parameters).
 *
 * @param query The query without its `?`.
 *
 * @example
 * ```ts
 * import { overridesMethod } from "./method_override.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(overridesMethod("PatientID=1&_method%5B%5D=DELETE"), true);
 * assert.equal(overridesMethod("LossyImageCompressionMethod=ISO_10918_1"), false);
 * ```
 */
export function overridesMethod(query: string): boolean {
  if (query === "") return false;
  for (const parameter of query.split(/[&;]/)) {
    const end = parameter.indexOf("=");
    const name = end < 0 ? parameter : parameter.slice(0, end);
    if (PLAIN_NAME.test(name) && !SUSPICIOUS.test(name)) continue;
    if (isOverride(name)) return true;
  }
  return false;
}

/**
 * Whether the body is an HTML form, in which a field may name another method. DICOMweb has no forms.
 */
export function hasFormBody(headers: Headers): boolean {
  const type = headers.get("content-type");
  return type !== null && FORM.test(type);
}

function isOverride(name: string): boolean {
  const read = decodings(name);
  if (read === undefined) return true;
  const letters = (read.at(-1) ?? name).normalize("NFKC").toLowerCase().replace(/[^a-z]/g, "");
  if (!SUSPICIOUS.test(letters) || name === RENDERING_METHOD) return false;
  return name.length > MAX_NAME_LENGTH || !ATTRIBUTE.test(name) || NO_ATTRIBUTE.test(name);
}
