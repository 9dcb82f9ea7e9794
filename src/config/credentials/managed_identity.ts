/**
 * `ProviderType: "azuremanagedidentity"`: an identity that Azure gives to the machine, the app or the
 * pod the gateway runs on, without a secret in the configuration. As with the plugin, `auto` finds out
 * which of them it is.
 *
 * @module
 */
import { z } from "zod";
import type { UserAssignedIdentity } from "../azure_config.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { text } from "../value_schemas.ts";
import {
  azurePlatforms,
  checkPlatform,
  identityService,
  PLATFORM_VARIABLES,
  platformOf,
} from "./azure_platform.ts";
import { AZURE_DICOM_SCOPE } from "./entra.ts";
import { federatedToken, WORKLOAD_IDENTITY_VARIABLES } from "./federated_token.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";
import { buildTokenRules, checkTokenKeys, tokenKeys } from "./token_keys.ts";

/** The keys that name a user-assigned identity. */
const IDENTITY_KEYS = { ClientId: "client", ObjectId: "object", ResourceId: "resource" } as const;

const DEFAULT_SCOPE = "/.default";

/** A managed identity of Azure. */
export const managedIdentity: SigningWay = signingWay({
  title: "Azure managed identity",
  description: "A managed identity of the Azure machine, app, pod or Arc-connected server.",
  chosenBy: { ProviderType: ["azuremanagedidentity"] },
  environment: [...PLATFORM_VARIABLES, ...WORKLOAD_IDENTITY_VARIABLES],
  keys: {
    ProviderType: z.literal("azuremanagedidentity").describe(
      "A managed identity of Azure: no secret is needed",
    ),
    IdentityPlatform: z.enum(azurePlatforms).default("auto").describe(
      "Where the gateway runs: `vm` (also scale sets and AKS nodes), `appservice` (also Container Apps " +
        "and Functions), `arc` (a server of one's own connected by Azure Arc), `workloadidentity` (a " +
        "pod of Kubernetes). `auto` tells by the environment variables that the platform sets",
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
    const isComplete = checkPlatform(raw, context);
    if (platformOf(raw, context.environment) !== "workloadidentity") checkTokenKeys(raw, context);
    else if (isComplete) federatedToken.check(federated(raw), context);
  },
  build(keys, context, raw) {
    const { environment } = context;
    const platform = platformOf(keys, environment);
    if (platform === "workloadidentity") return federatedToken.read(federated(raw), context);
    return {
      kind: "azure_managed_identity",
      service: identityService(platform, environment),
      resource: withoutSuffix(keys.Scope),
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
  const platform = platformOf(raw, environment);
  if (platform === "arc" && given[0] !== undefined) {
    report.add(
      "CFG-002",
      [...path, given[0]],
      "names a user-assigned identity, which is not supported with Azure Arc; remove it to use the " +
        "server's own identity",
    );
  }
  if (platform === "workloadidentity" && given[0] !== undefined && given[0] !== "ClientId") {
    report.add("CFG-002", [...path, given[0]], "does not name a workload identity; give ClientId");
  }
}

/** The keys as those of the other way mean them. */
function federated(raw: RawKeys): RawKeys {
  const { Scope: scope = AZURE_DICOM_SCOPE } = raw;
  return {
    ...Object.fromEntries(
      Object.entries(raw).filter(([key]) => Object.hasOwn(federatedToken.keys, key)),
    ),
    ProviderType: "azure",
    ClientAuthentication: "federated_token",
    Scope: `${withoutSuffix(String(scope))}${DEFAULT_SCOPE}`,
  };
}

function withoutSuffix(scope: string): string {
  return scope.endsWith(DEFAULT_SCOPE) ? scope.slice(0, -DEFAULT_SCOPE.length) : scope;
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
