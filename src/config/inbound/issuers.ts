/**
 * `Authentication.Jwt`: issuers whose bearer tokens authenticate clients. Issuer and audience have no
 * default: tokens issued for another audience must be rejected.
 */
import type { Frozen } from "../values/frozen.ts";
import { z } from "zod";
import {
  allowedHosts,
  discoveryOf,
  isNoMetadataUrl,
  NO_METADATA_URL,
} from "../schemes/oauth2/discovery.ts";
import { tenantFault } from "../schemes/azure/entra.ts";
import { keysReach, type TokenValidationConfig } from "../schemes/token_validation.ts";
import { noProxy } from "../keys/proxy.ts";
import { isPlaintext } from "../values/host_names.ts";
import { keysOf, PLAIN_NAME, recordOf, withRule } from "../values/keys_of.ts";
import { SIGNING_ALGORITHMS } from "../values/signing_key.ts";
import { certificatesFile, httpUrl, isHttpUrl, text } from "../values/value_schemas.ts";

const claimPath = text().regex(
  /^[^.]+(?:\.[^.]+){0,7}$/,
  "must be names of claims, joined by dots",
);

const issuer = keysOf(
  {
    Issuer: text().refine(isNoMetadataUrl, NO_METADATA_URL).describe(
      "`iss` claim of its tokens, exactly as written there",
    ),
    Audience: text().describe("`aud` claim that tokens must have: the gateway's own"),
    JwksUri: httpUrl({ query: true }).optional().describe(
      "URL of its JWK Set. Default: from the metadata of `Issuer`",
    ),
    AllowedHosts: allowedHosts.optional(),
    Algorithms: z.array(z.enum(SIGNING_ALGORITHMS)).min(1).default(["RS256"]).describe(
      "Accepted signature algorithms; never `none` or HMAC",
    ),
    RequiredScopes: z.array(text()).default([]).describe(
      "Scopes that a token must have (`scope` or `scp`), all of them",
    ),
    RequiredRoles: z.array(text()).default([]).describe("Roles of which a token must have one"),
    RolesClaim: claimPath.default("roles").describe(
      "Claim with the roles; dots access nested claims, as in Keycloak's `realm_access.roles`",
    ),
    SubjectClaim: claimPath.default("sub").describe("Claim that identifies the client"),
    Proxy: noProxy.optional().describe("`false`: fetch its keys without the egress proxy"),
    CaFile: certificatesFile().optional().describe(
      "PEM file with certificates to trust, besides those of the system, when fetching its keys",
    ),
  },
  ({ Issuer: issuer }, complain) => {
    const fault = tenantFault(issuer);
    if (fault !== undefined) complain("Issuer", fault);
  },
  ({ Issuer: issuer, JwksUri: jwksUri }, complain) => {
    const isLearnt = jwksUri === undefined;
    if (isSecure(jwksUri ?? issuer)) return;
    complain(
      isLearnt ? "Issuer" : "JwksUri",
      `must be a URL that starts with https://, because keys are ${
        isLearnt ? "learnt" : "fetched"
      } from it${isLearnt ? "; otherwise give JwksUri" : ""}`,
    );
  },
  ({ JwksUri: jwksUri, AllowedHosts: hosts }, complain) => {
    if (jwksUri === undefined || hosts === undefined) return;
    complain("AllowedHosts", "has no effect together with JwksUri; remove it");
  },
).transform((keys) => {
  const validation: TokenValidationConfig = {
    keys: keys.JwksUri === undefined
      ? { from: "discovery", discovery: discoveryOf("issuer", keys.Issuer, keys.AllowedHosts) }
      : { from: "url", url: keys.JwksUri },
    audience: keys.Audience,
    issuers: [keys.Issuer],
    algorithms: keys.Algorithms,
  };
  return {
    validation,
    /** Where its keys may be fetched from. */
    reach: keysReach(validation),
    /** Whether the egress proxy is used, unless a host is one of its exceptions. */
    mayProxy: keys.Proxy !== false,
    requiredScopes: keys.RequiredScopes,
    requiredRoles: keys.RequiredRoles,
    /** Names that lead to the claim. */
    rolesClaim: keys.RolesClaim.split("."),
    subjectClaim: keys.SubjectClaim.split("."),
    caCertificatesPem: keys.CaFile ?? [],
  };
});

const namedIssuers = recordOf(issuer, {
  names: PLAIN_NAME,
  misnamed:
    "the name of an issuer must start with a letter or digit, followed by letters, digits, '.', '_' and '-'",
  empty: "must name at least one issuer",
});

/** The key `Authentication.Jwt`; parses to the issuers by name. */
export const issuers = withRule(namedIssuers, (issuers, complain) => {
  const seen = new Set<string | undefined>();
  for (const [name, { validation: { issuers: [issuer] } }] of Object.entries(issuers)) {
    if (seen.has(issuer)) complain([name, "Issuer"], "is already used by another issuer");
    seen.add(issuer);
  }
}).transform((issuers): ReadonlyMap<string, IssuerConfig> =>
  new Map(Object.entries(issuers).map(([name, issuer]) => [name, { name, ...issuer }]))
);

/** An issuer whose tokens are accepted; its `validation` names keys, issuer and audience. */
export interface IssuerConfig extends Frozen<z.output<typeof issuer>> {
  readonly name: string;
}

function isSecure(value: string): boolean {
  return isHttpUrl(value, { query: true }) && !isPlaintext(value);
}
