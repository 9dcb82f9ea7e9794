/**
 * `Cors`: the web pages whose scripts may use the gateway from a browser.
 *
 * @module
 */
import { z } from "zod";
import type { CorsConfig } from "./gateway_config.ts";
import type { RawKeys, ReadContext } from "./read_context.ts";

/** An origin as browsers send it (RFC 6454, section 6.2), or `*` for every one. */
const origin = z.string().refine(
  (value) => value === "*" || (URL.canParse(value) && new URL(value).origin === value),
  "must be an origin as browsers send it, such as https://viewer.example:3000 (no path, no slash at the end)",
);

/** The keys of `Cors`. */
export const corsSchema = z.strictObject({
  AllowedOrigins: z.array(origin).min(1).describe(
    "Origins of the pages that may, such as `https://viewer.example`; `*` for every page",
  ),
});

/**
 * Warns of a door that is open to every page.
 *
 * @param raw The object as written.
 * @param context Where it stands.
 */
export function checkCors(raw: RawKeys, { path, report }: ReadContext): void {
  const origins = raw["AllowedOrigins"];
  if (Array.isArray(origins) && origins.includes("*")) {
    report.warn(
      [...path, "AllowedOrigins"],
      "every web page that someone here opens can use the gateway; name the viewer's origin instead",
    );
  }
}

/**
 * Makes the rules for browsers.
 *
 * @param keys The keys, checked.
 * @returns The rules.
 */
export function buildCors(keys: z.output<typeof corsSchema>): CorsConfig {
  return { allowedOrigins: keys.AllowedOrigins };
}
