/**
 * `Authentication`: who may call the gateway. Several ways may stand side by side; without the key
 * everyone who reaches the port may call it.
 *
 * @module
 */
import { z } from "zod";
import { type RawKeys, rawKeys, type ReadContext } from "../read_context.ts";
import { apiKeysSchema, buildApiKeys, checkApiKeys } from "./api_keys.ts";
import type { AuthenticationConfig } from "./authentication_config.ts";
import { buildIssuers, checkIssuers, issuersSchema } from "./issuers.ts";
import { basicSchema, buildUsers, checkUsers } from "./users.ts";

/** The keys of `Authentication`. */
export const authenticationSchema = z.strictObject({
  Basic: basicSchema.optional().describe("Users with passwords, as Orthanc and scripts send them"),
  ApiKeys: apiKeysSchema.optional().describe("Keys in a header"),
  Jwt: issuersSchema.optional().describe(
    "Issuers of bearer tokens, by the name they have in subjects",
  ),
});

/**
 * Checks what the keys mean together.
 *
 * @param raw The object as written; `undefined` where the key is not there.
 * @param context Where it stands.
 */
export function checkAuthentication(raw: unknown, context: ReadContext): void {
  if (raw === undefined) return;
  const keys = rawKeys(raw);
  const within = (key: string): ReadContext => ({ ...context, path: [...context.path, key] });
  if (keys["Basic"] !== undefined) checkUsers(rawKeys(keys["Basic"]), within("Basic"));
  if (keys["ApiKeys"] !== undefined) checkApiKeys(rawKeys(keys["ApiKeys"]), within("ApiKeys"));
  if (keys["Jwt"] !== undefined) checkIssuers(rawKeys(keys["Jwt"]), within("Jwt"));
  if (Object.values(keys).every((value) => value === undefined)) {
    context.report.add("CFG-001", context.path, "must hold Basic, ApiKeys or Jwt");
  }
}

/**
 * Whether a password or key can be overheard between client and gateway.
 *
 * @param section The section as written.
 * @returns Whether clients speak plain HTTP to it as far as the section tells.
 */
export function isOverheard(section: RawKeys): boolean {
  const tls = rawKeys(section["Listen"])["Tls"];
  const proxies = section["TrustedProxies"];
  return tls === undefined && !(Array.isArray(proxies) && proxies.length > 0);
}

/**
 * Makes the rules of who may call.
 *
 * @param keys The keys, checked.
 * @param files The files that the configuration names.
 * @returns The rules.
 */
export function buildAuthentication(
  keys: z.output<typeof authenticationSchema>,
  files: ReadContext["files"],
): AuthenticationConfig {
  return {
    users: keys.Basic === undefined ? new Map() : buildUsers(keys.Basic, files),
    apiKeys: keys.ApiKeys && buildApiKeys(keys.ApiKeys),
    issuers: buildIssuers(keys.Jwt ?? {}, files),
  };
}
