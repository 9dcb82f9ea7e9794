/**
 * OAuth2 client credentials with a token that the platform keeps in a file in place of a secret (RFC
 * 7523, section 2.2): workload identity, as Kubernetes and Azure (AKS) have it. With Azure the
 * environment variables that its webhook sets in a pod stand in for the keys.
 *
 * @module
 */
import { resolve } from "node:path";
import { z } from "zod";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { httpUrl, text } from "../value_schemas.ts";
import { tokenEndpointAt } from "./entra.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";
import {
  buildClientCredentials,
  checkTokenRequest,
  clientCredentialsProviders,
  tokenRequestKeys,
} from "./token_request_keys.ts";

/** The variables that Azure's webhook sets in a pod. */
export const WORKLOAD_IDENTITY_VARIABLES = [
  "AZURE_CLIENT_ID",
  "AZURE_TENANT_ID",
  "AZURE_FEDERATED_TOKEN_FILE",
  "AZURE_AUTHORITY_HOST",
] as const;

/** The key that each variable stands in for. */
const STAND_INS = [
  ["ClientId", "AZURE_CLIENT_ID"],
  ["TenantId", "AZURE_TENANT_ID"],
  ["FederatedTokenFile", "AZURE_FEDERATED_TOKEN_FILE"],
] as const;

/** Client credentials with a token from a file. */
export const federatedToken: SigningWay = signingWay({
  title: "A federated token",
  description: "OAuth2 client credentials grant with a token of the platform, such as Kubernetes.",
  chosenBy: { ProviderType: clientCredentialsProviders, ClientAuthentication: ["federated_token"] },
  environment: WORKLOAD_IDENTITY_VARIABLES,
  keys: {
    ...tokenRequestKeys,
    ClientAuthentication: z.literal("federated_token").describe(
      "A token of the platform, in a file that it renews, shows who the client is",
    ),
    ClientId: text().optional().describe(
      "The client's identifier at the provider; with `azure` the environment variable " +
        "AZURE_CLIENT_ID unless given, and AZURE_TENANT_ID for `TenantId`",
    ),
    FederatedTokenFile: text().optional().describe(
      "Path of the file with the token, which is read anew each time; with `azure` the environment " +
        "variable AZURE_FEDERATED_TOKEN_FILE unless given",
    ),
  },
  check(raw, context) {
    const { path, report, environment: { AZURE_AUTHORITY_HOST: authority } } = context;
    const all = withVariables(raw, context);
    for (const [key, variable] of STAND_INS) {
      if (all[key] !== undefined || key === "TenantId") continue;
      const or = raw["ProviderType"] === "azure" ? ` or the environment variable ${variable}` : "";
      report.add("CFG-001", [...path, key], `A federated token needs ${key}${or}`);
    }
    if (authority !== undefined && !httpUrl().safeParse(authority).success) {
      const message = "the environment variable AZURE_AUTHORITY_HOST holds no URL that can be used";
      report.add("CFG-002", [...path, "ProviderType"], message);
    }
    checkTokenRequest(all, context);
  },
  build(keys, context) {
    const all = withVariables(keys, context);
    return buildClientCredentials({ ...keys, ...all, ClientId: String(all["ClientId"]) }, {
      method: "federated_token",
      file: resolve(context.directory, String(all["FederatedTokenFile"])),
    });
  },
});

function withVariables(raw: RawKeys, { environment }: ReadContext): RawKeys {
  if (raw["ProviderType"] !== "azure") return raw;
  const all: Record<string, unknown> = { ...raw };
  for (const [key, variable] of STAND_INS) all[key] ??= environment[variable];
  const { AZURE_AUTHORITY_HOST: authority } = environment;
  const isPlaced = ["TokenEndpoint", "Issuer", "Cloud"].some((key) => raw[key] !== undefined);
  const tenant = all["TenantId"];
  if (authority !== undefined && URL.canParse(authority) && !isPlaced && tenant !== undefined) {
    all["TokenEndpoint"] = tokenEndpointAt(authority, String(tenant));
  }
  return all;
}
