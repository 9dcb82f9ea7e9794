/**
 * Detects requests that a store could treat as having another method, with unknown effects.
 */
import { decodings } from "./decoding.ts";

/** No attribute has a longer path, and the time below grows faster than the length. */
const MAX_NAME_LENGTH = 256;
/** Plain names without the words below need no further checks. */
const PLAIN_NAME = /^[A-Za-z0-9_.,-]*$/;
const SUSPICIOUS = /method|http|verb/i;

/** DICOM keywords (`LossyImageCompressionMethod`), alone or at the end of a path of sequences. */
const ATTRIBUTE = /^(?:[A-Z][A-Za-z]+\.)*[A-Z][a-z][A-Za-z]*Method[A-Za-z]*$/;
/** In no attribute's keyword. */
const NO_ATTRIBUTE = /http|verb|override|request/i;
/** A parameter of Retrieve Rendered MPR and Rendered 3D (PS3.18, section 8.3.5.1.5). */
const RENDERING_METHOD = "renderingmethod";

/** Types of HTML forms; Rails, Spring and others read the method from one of their fields. */
const FORM = /x-www-form-urlencoded|multipart\/form-data/i;

/**
 * Whether a query could override the method: `$httpMethod` and `$httpHeaders` of Google,
 * `X-HTTP-Method-Override`, `_method` of many frameworks, in any spelling that one of them accepts
 * (`_method[]` and `_method%00` of PHP, double encoding, other case, full-width letters, `;`
 * between parameters).
 */
export function overridesMethod(query: string): boolean {
  return query !== "" && query.split(/[&;]/).some((parameter) => {
    const [name = ""] = parameter.split("=", 1);
    const isPlain = PLAIN_NAME.test(name) && !SUSPICIOUS.test(name);
    return !isPlain && isOverride(name);
  });
}

/** Whether the body is an HTML form, whose fields may override the method. DICOMweb has none. */
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
