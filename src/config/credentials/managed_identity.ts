/**
 * `ProviderType: "azuremanagedidentity"`: an identity that Azure gives to the machine, the app or the
 * pod the gateway runs on, without a secret in the configuration. As the Azure libraries do, `auto`
 * finds the platform by the environment variables that it sets.
 *
 * @module
 */
import { z } from "zod";
import type { IdentityService, ManagedIdentity, UserAssignedIdentity } from "../azure_config.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { Secret } from "../secret.ts";
import { httpUrl, text } from "../value_schemas.ts";
import { AZURE_DICOM_SCOPE } from "./entra.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";
import { buildTokenRules, checkTokenKeys, tokenKeys } from "./token_keys.ts";

const platforms = ["auto", "vm", "appservice", "arc"] as const;
type Platform = Exclude<(typeof platforms)[number], "auto">;

const IMDS = "http://169.254.169.254";
const TOKEN_PATH = "/metadata/identity/oauth2/token";

/** The variables that each platform must have set. */
const REQUIRED: Readonly<Record<Platform, readonly string[]>> = {
  vm: [],
  appservice: ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"],
  arc: [],
};

/** The variables that hold URLs. */
const URLS = ["IDENTITY_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST"] as const;

/** The keys that name a user-assigned identity. */
const IDENTITY_KEYS = { ClientId: "client", ObjectId: "object", ResourceId: "resource" } as const;

/** A managed identity of Azure. */
export const managedIdentity: SigningWay = signingWay({
  title: "Azure managed identity",
  description: "A managed identity of the Azure machine, app or Arc-connected server.",
  chosenBy: { ProviderType: ["azuremanagedidentity"] },
  environment: [
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_CLIENT_ID",
    "ProgramData",
  ],
  keys: {
    ProviderType: z.literal("azuremanagedidentity").describe(
      "A managed identity of Azure: no secret is needed",
    ),
    IdentityPlatform: z.enum(platforms).default("auto").describe(
      "Where the gateway runs: `vm` (also scale sets and AKS nodes), `appservice` (also Container Apps " +
        "and Functions), `arc` (a server of one's own connected by Azure Arc). `auto` tells by the " +
        "environment variables that the platform sets",
    ),
    Scope: text().regex(/^\S+$/, "must be one scope, without blanks").default(AZURE_DICOM_SCOPE)
      .describe("Scope of the store; its audience is this without `/.default`"),
    ClientId: text().optional().describe(
      "Client ID of a user-assigned identity. Where no key names one, the environment variable " +
        "AZURE_CLIENT_ID does",
    ),
    ObjectId: text().optional().describe("Object (principal) ID of a user-assigned identity"),
    ResourceId: text().optional().describe("Azure resource ID of a user-assigned identity"),
    ...tokenKeys,
  },
  check(raw, context) {
    checkIdentity(raw, context);
    checkPlatform(raw, context);
    checkTokenKeys(raw, context);
  },
  build(keys, { environment }): ManagedIdentity {
    const platform = platformOf(keys, environment);
    return {
      kind: "azure_managed_identity",
      service: identityService(platform, environment),
      resource: keys.Scope.replace(/\/\.default$/, ""),
      identity: platform === "arc" ? undefined : userAssigned(keys, environment),
      ...buildTokenRules(keys),
    };
  },
});

function checkIdentity(raw: RawKeys, { path, report, environment }: ReadContext): void {
  const given = Object.keys(IDENTITY_KEYS).filter((key) => raw[key] !== undefined);
  for (const key of given.slice(1)) {
    report.add("CFG-002", [...path, key], `names the identity that ${given[0]} names; remove one`);
  }
  if (given[0] !== undefined && platformOf(raw, environment) === "arc") {
    report.add(
      "CFG-002",
      [...path, given[0]],
      "names a user-assigned identity, which is not supported with Azure Arc; remove it to use the " +
        "server's own identity",
    );
  }
}

function checkPlatform(raw: RawKeys, { path, report, environment }: ReadContext): void {
  const at = [...path, "IdentityPlatform"];
  const platform = platformOf(raw, environment);
  for (const name of REQUIRED[platform].filter((name) => environment[name] === undefined)) {
    const message = `"${platform}" needs the environment variable ${name}, which is not set`;
    report.add("CFG-003", at, message);
  }
  for (const name of URLS) {
    const value = environment[name];
    if (value !== undefined && !httpUrl({ query: true }).safeParse(value).success) {
      report.add("CFG-002", at, `the environment variable ${name} holds no URL that can be used`);
    }
  }
  if (environment["IDENTITY_SERVER_THUMBPRINT"] !== undefined && platform === "appservice") {
    report.add("CFG-002", at, "the gateway does not know the identity service of Service Fabric");
  }
}

/** The order in which the Azure libraries look. */
function platformOf(raw: RawKeys, environment: ReadContext["environment"]): Platform {
  const chosen = raw["IdentityPlatform"];
  if (chosen === "vm" || chosen === "appservice" || chosen === "arc") return chosen;
  if (environment["IDENTITY_ENDPOINT"] === undefined) return "vm";
  if (environment["IDENTITY_HEADER"] !== undefined) return "appservice";
  return environment["IMDS_ENDPOINT"] !== undefined ? "arc" : "vm";
}

function identityService(
  platform: Platform,
  environment: ReadContext["environment"],
): IdentityService {
  const { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header } = environment;
  switch (platform) {
    case "vm": {
      const origin = environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] ?? IMDS;
      return { platform, endpoint: new URL(TOKEN_PATH, origin).href };
    }
    case "appservice":
      return { platform, endpoint: endpoint ?? "", header: new Secret(header ?? "") };
    case "arc":
      return {
        platform,
        endpoint: endpoint ?? `http://127.0.0.1:40342${TOKEN_PATH}`,
        secretsDirectory: environment["ProgramData"] === undefined
          ? "/var/opt/azcmagent/tokens"
          : `${environment["ProgramData"]}\\AzureConnectedMachineAgent\\Tokens`,
      };
  }
}

function userAssigned(
  keys: RawKeys,
  { AZURE_CLIENT_ID: clientId }: ReadContext["environment"],
): UserAssignedIdentity | undefined {
  for (const [key, by] of Object.entries(IDENTITY_KEYS)) {
    const id = keys[key];
    if (typeof id === "string") return { by, id };
  }
  return clientId === undefined ? undefined : { by: "client", id: clientId };
}
