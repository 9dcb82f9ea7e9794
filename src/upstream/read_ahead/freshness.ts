/**
 * How long a store allows its answer to be kept (RFC 9111). The gateway is the store's client, whose
 * credential it uses: answers for one user (`private`) may be kept for the one whose request it was.
 */
import { directives, nameOf } from "../cache_headers.ts";
import { isChoosing } from "./representation.ts";

/** Cache-Control of a response, as far as it matters here. */
interface Directives {
  readonly names: ReadonlySet<string>;
  readonly maxAgeSeconds: number | undefined;
}

/**
 * @param nowMs The wall clock.
 * @returns Milliseconds: 0 if the answer must not be kept, infinite if the store does not say.
 */
export function freshMs(headers: Headers, nowMs: number): number {
  const control = headers.get("cache-control");
  const { names, maxAgeSeconds } = directivesOf(control);
  if (names.has("no-store") || names.has("no-cache")) return 0;
  if (control === null && /\bno-cache\b/i.test(headers.get("pragma") ?? "")) return 0;
  const varying = directives(headers.get("vary") ?? "");
  if (varying.some((name) => name === "*" || !isChoosing(name.toLowerCase()))) return 0;
  const age = Number(headers.get("age") ?? 0) || 0;
  if (maxAgeSeconds !== undefined) return Math.max(0, maxAgeSeconds - age) * 1000;
  const expires = headers.get("expires");
  if (expires === null) return Infinity;
  // An invalid date, such as 0, is one in the past (section 5.3).
  const sentMs = Date.parse(headers.get("date") ?? "") || nowMs;
  return Math.max(0, (Date.parse(expires) || 0) - sentMs - age * 1000);
}

/** Whether an answer is for one user. */
export function isPrivate(headers: Headers): boolean {
  return directivesOf(headers.get("cache-control")).names.has("private");
}

function directivesOf(control: string | null): Directives {
  const list = directives(control ?? "");
  const ages = list.filter((each) => /^(?:max-age|s-maxage)\b/i.test(each))
    .map((each) => Number(each.slice(each.indexOf("=") + 1).replaceAll('"', "").trim()));
  return {
    names: new Set(list.map(nameOf)),
    // An invalid age is none (section 4.2.1).
    maxAgeSeconds: ages.length === 0
      ? undefined
      : Math.min(...ages.map((age) => age >= 0 ? age : 0)),
  };
}
