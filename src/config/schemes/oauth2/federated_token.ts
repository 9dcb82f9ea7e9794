/**
 * OAuth2 client credentials with a token of the platform in a file in place of a secret (RFC 7523,
 * section 2.2): workload identity of Kubernetes and Azure (AKS). For Azure, the environment variables
 * that its webhook sets in a pod are the defaults of the keys.
 */
import { z } from "zod";
import { resolve } from "node:path";
import type { Rule } from "../../values/keys_of.ts";
import { sources } from "../../values/sources.ts";
import { filePath, isHttpUrl, visibleAscii } from "../../values/value_schemas.ts";
import { tokenEndpointAt } from "../azure/entra.ts";
import { scheme, type Warning } from "../scheme.ts";
import {
  type ClientCredentials,
  clientCredentialsOf,
  clientCredentialsReach,
  type TokenRequestKeys,
  tokenRequestKeys,
  tokenRequestRules,
  tokenRequestWarnings,
} from "./token_request.ts";

/** The environment variables of Azure's webhook by key. */
const VARIABLES = {
  ClientId: "AZURE_CLIENT_ID",
  TenantId: "AZURE_TENANT_ID",
  FederatedTokenFile: "AZURE_FEDERATED_TOKEN_FILE",
} as const;

/** The keys of the token request and of the federated token. */
export interface FederatedTokenKeys extends Omit<TokenRequestKeys, "ClientId"> {
  readonly ClientId?: string | undefined;
  readonly FederatedTokenFile?: string | undefined;
}

export const federatedRules: readonly Rule<FederatedTokenKeys>[] = [
  (keys, complain) => {
    for (const key of ["ClientId", "FederatedTokenFile"] as const) {
      if (completed(keys)[key] !== undefined) continue;
      const or = keys.ProviderType === "azure"
        ? ` or the environment variable ${VARIABLES[key]}`
        : "";
      complain(key, `A federated token needs ${key}${or}`);
    }
  },
  (_, complain) => {
    const { AZURE_AUTHORITY_HOST: authority } = sources().environment;
    if (authority === undefined || isHttpUrl(authority)) return;
    const message = "the environment variable AZURE_AUTHORITY_HOST is not a usable URL";
    complain("ProviderType", message, "CFG-002");
  },
  ...tokenRequestRules.map((rule): Rule<FederatedTokenKeys> => (keys, complain) =>
    rule(completed(keys), complain)
  ),
];

export const federatedToken = scheme({
  title: "A federated token",
  description: "OAuth2 client credentials grant with a token of the platform, such as Kubernetes.",
  keys: {
    ...tokenRequestKeys,
    ClientAuthentication: z.literal("federated_token").describe(
      "A token of the platform, in a file that it renews, authenticates the client",
    ),
    ClientId: visibleAscii().optional().describe(
      "The client's identifier at the provider; with `azure` the environment variable " +
        "AZURE_CLIENT_ID unless given, and AZURE_TENANT_ID for `TenantId`",
    ),
    FederatedTokenFile: filePath().optional().describe(
      "Path of the file with the token, which is read again each time; with `azure` the environment " +
        "variable AZURE_FEDERATED_TOKEN_FILE unless given",
    ),
  },
  rules: federatedRules,
  warnings: federatedWarnings,
  credentials: federatedCredentials,
  reach: clientCredentialsReach,
});

export function federatedWarnings(keys: FederatedTokenKeys): readonly Warning[] {
  return tokenRequestWarnings(completed(keys));
}

export function federatedCredentials(keys: FederatedTokenKeys): ClientCredentials {
  const all = completed(keys);
  return clientCredentialsOf(all, {
    method: "federated_token",
    file: all.FederatedTokenFile ?? "",
  });
}

/**
 * The keys, with Azure's variables in place of missing ones. The prototype serves all others: spreading
 * the keys would also read wrong ones.
 */
function completed(keys: FederatedTokenKeys): FederatedTokenKeys & TokenRequestKeys {
  if (keys.ProviderType !== "azure") return keys as typeof keys & TokenRequestKeys;
  const { environment, directory } = sources();
  const file = environment[VARIABLES.FederatedTokenFile];
  const tenant = keys.TenantId ?? environment[VARIABLES.TenantId];
  const authority = environment["AZURE_AUTHORITY_HOST"];
  const isPlaced = (keys.TokenEndpoint ?? keys.Issuer ?? keys.Cloud) !== undefined;
  const isDerived = authority !== undefined && URL.canParse(authority) && !isPlaced &&
    tenant !== undefined;
  return Object.assign(Object.create(keys), {
    ClientId: keys.ClientId ?? environment[VARIABLES.ClientId],
    TenantId: tenant,
    FederatedTokenFile: keys.FederatedTokenFile ?? (file && resolve(directory, file)),
    ...(isDerived && { TokenEndpoint: tokenEndpointAt(authority, tenant) }),
  });
}
