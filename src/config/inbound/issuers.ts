/**
 * `Authentication.Jwt`: issuers whose bearer tokens open the gateway. Issuer and audience have no
 * default: a token that was made for someone else must not open it.
 *
 * @module
 */
import { z } from "zod";
import { SIGNING_ALGORITHMS } from "../client_authentication_config.ts";
import { allowedHosts, buildDiscovery } from "../credentials/discovery_keys.ts";
import { isLoopback } from "../host_names.ts";
import { certificatesIn } from "../pem.ts";
import { fileContent, type RawKeys, rawKeys, type ReadContext } from "../read_context.ts";
import { filePath, httpUrl, text } from "../value_schemas.ts";
import { SUBJECT_PART } from "./api_keys.ts";
import type { IssuerConfig } from "./authentication_config.ts";

const claimPath = text().regex(
  /^[^.]+(?:\.[^.]+){0,7}$/,
  "must be names of claims, joined by dots",
);

/** The keys of one issuer. */
export const issuerSchema = z.strictObject({
  Issuer: text().describe("`iss` claim of its tokens, written exactly as there"),
  Audience: text().describe("`aud` claim that tokens must have: the gateway's own"),
  JwksUri: httpUrl({ query: true }).optional().describe(
    "URL of its JWK Set. Learnt from the metadata of `Issuer` unless given",
  ),
  AllowedHosts: allowedHosts,
  Algorithms: z.array(z.enum(SIGNING_ALGORITHMS)).min(1).default(["RS256"]).describe(
    "Signature algorithms accepted; `none` and HMAC never are",
  ),
  RequiredScopes: z.array(text()).default([]).describe(
    "Scopes that a token must have (`scope` or `scp`), all of them",
  ),
  RequiredRoles: z.array(text()).default([]).describe("Roles of which a token must have one"),
  RolesClaim: claimPath.default("roles").describe(
    "Claim with the roles; dots lead inwards, as in Keycloak's `realm_access.roles`",
  ),
  SubjectClaim: claimPath.default("sub").describe("Claim that says who the client is"),
  CaFile: filePath().optional().describe(
    "PEM file with certificates to trust besides those of the system where its keys are fetched",
  ),
});

/** The key `Authentication.Jwt`. */
export const issuersSchema = z.record(z.string(), issuerSchema);

/**
 * Checks what the keys of issuers mean together.
 *
 * @param raw The object as written.
 * @param context Where it stands.
 */
export function checkIssuers(raw: RawKeys, { path, report, files }: ReadContext): void {
  const entries = Object.entries(raw);
  if (entries.length === 0) report.add("CFG-001", path, "must name at least one issuer");
  const seen = new Set<unknown>();
  for (const [name, value] of entries) {
    const at = [...path, name];
    if (!SUBJECT_PART.test(name)) {
      report.add(
        "CFG-002",
        at,
        "the name of an issuer must begin with a letter or digit and go on with letters, digits, '.', '_' and '-'",
      );
    }
    const { Issuer: issuer, JwksUri: jwksUri, AllowedHosts: hosts, CaFile: file } = rawKeys(value);
    if (seen.has(issuer)) {
      report.add("CFG-002", [...at, "Issuer"], "stands for another issuer already");
    }
    if (issuer !== undefined) seen.add(issuer);
    const learnt = jwksUri === undefined;
    const key = learnt ? "Issuer" : "JwksUri";
    const source = learnt ? issuer : jwksUri;
    if (typeof source === "string" && !isSecure(source)) {
      report.add(
        "CFG-002",
        [...at, key],
        `must be a URL that starts with https://, because keys are ${
          learnt ? "learnt" : "fetched"
        } from it${learnt ? "; otherwise give JwksUri" : ""}`,
      );
    }
    if (!learnt && hosts !== undefined) {
      report.add("CFG-002", [...at, "AllowedHosts"], "means nothing beside JwksUri; remove it");
    }
    const pem = fileContent(files, file);
    if (pem !== undefined && certificatesIn(pem).length === 0) {
      report.add(
        "CFG-002",
        [...at, "CaFile"],
        "must be a PEM file with at least one certificate (BEGIN CERTIFICATE)",
      );
    }
  }
}

/**
 * Makes the issuers.
 *
 * @param keys The keys, checked.
 * @param files The files that the configuration names.
 * @returns The issuers by name.
 */
export function buildIssuers(
  keys: z.output<typeof issuersSchema>,
  files: ReadContext["files"],
): ReadonlyMap<string, IssuerConfig> {
  return new Map(
    Object.entries(keys).map(([name, issuer]) => [name, {
      name,
      validation: {
        keys: issuer.JwksUri === undefined
          ? {
            from: "discovery",
            discovery: buildDiscovery("issuer", issuer.Issuer, issuer.AllowedHosts),
          }
          : { from: "url", url: issuer.JwksUri },
        audience: issuer.Audience,
        issuers: [issuer.Issuer],
        algorithms: issuer.Algorithms,
      },
      requiredScopes: issuer.RequiredScopes,
      requiredRoles: issuer.RequiredRoles,
      rolesClaim: issuer.RolesClaim.split("."),
      subjectClaim: issuer.SubjectClaim.split("."),
      caCertificatesPem: certificatesIn(fileContent(files, issuer.CaFile) ?? ""),
    }]),
  );
}

function isSecure(value: string): boolean {
  if (!httpUrl({ query: true }).safeParse(value).success) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === "https:" || isLoopback(hostname);
}
