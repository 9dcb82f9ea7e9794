/**
 * Removes access tokens from queries: a client's token is for the gateway, which has its own for
 * the store; a store that prefers the query's would act under another identity.
 */
import { decodings } from "./decoding.ts";

/** Letters of `access_token` (RFC 6750, section 2.3) and of names that Google and others accept. */
const TOKENS: ReadonlySet<string> = new Set(["accesstoken", "bearertoken", "oauthtoken"]);

/**
 * Removes the parameters of a target that carry an access token, and its `?` with the last
 * parameter. All other bytes and their order are unchanged.
 */
export function withoutAccessTokens(target: string): string {
  const mark = target.indexOf("?");
  // Most queries contain neither.
  if (mark < 0 || !/%|token/i.test(target)) return target;
  let kept = "";
  let isCut = false;
  for (let start = mark + 1; start <= target.length;) {
    let end = start;
    // Some servers also separate by semicolons (HTML 4.01, appendix B.2.2).
    while (end < target.length && target[end] !== "&" && target[end] !== ";") end++;
    if (TOKENS.has(lettersOf(target.slice(start, end)))) isCut = true;
    else kept += kept === "" ? `?${target.slice(start, end)}` : target.slice(start - 1, end);
    start = end + 1;
  }
  return isCut ? target.slice(0, mark) + kept : target;
}

/**
 * The letters of a parameter's name as the most lenient server reads it: decoded, in any case,
 * folded by Unicode, up to a NUL or the index of a list (PHP, where `.`, a blank and a single `[`
 * mean `_`).
 */
function lettersOf(parameter: string): string {
  const end = parameter.indexOf("=");
  const name = end < 0 ? parameter : parameter.slice(0, end);
  const read = decodings(name);
  const decoded = read === undefined ? decodedLeniently(name) : read.at(-1) ?? name;
  const [plain = ""] = decoded.split(decoded.includes("]") ? /[\0[]/ : "\0", 1);
  return plain.normalize("NFKC").toLowerCase().replaceAll(/[^a-z]/g, "");
}

/** Bytes that are not UTF-8 become U+FFFD (URL Standard). */
function decodedLeniently(name: string): string {
  return new URLSearchParams(name).keys().next().value ?? "";
}
