/**
 * `ProviderType: "azuremanagedidentity"`: the identity of the Azure machine, app or pod that the gateway
 * runs on, without a secret in the configuration. As in the plugin, `auto` detects the platform.
 */
import { z } from "zod";
import type { Complain } from "../../values/keys_of.ts";
import { sources } from "../../values/sources.ts";
import { text } from "../../values/value_schemas.ts";
import { type ClientCredentials, clientCredentialsReach } from "../oauth2/token_request.ts";
import {
  federatedCredentials,
  federatedRules,
  type FederatedTokenKeys,
  federatedWarnings,
} from "../oauth2/federated_token.ts";
import { scheme } from "../scheme.ts";
import {
  keysReach,
  tokenKeys,
  type TokenUse,
  tokenUseOf,
  validationRules,
  validationWarnings,
} from "../token_validation.ts";
import {
  azurePlatforms,
  type IdentityService,
  identityService,
  missingVariables,
  platformOf,
  platformRule,
} from "./azure_platform.ts";
import { AZURE_DICOM_SCOPE, DEFAULT_SCOPE, withoutDefaultScope } from "./entra.ts";

/** A managed identity of Azure, or of a machine connected by Azure Arc. */
export interface ManagedIdentity extends TokenUse {
  readonly kind: "azure_managed_identity";
  readonly service: IdentityService;
  /** The audience of the tokens: the scope without `/.default`. */
  readonly resource: string;
  /** The user-assigned identity; `undefined`: the system-assigned one. */
  readonly identity: UserAssignedIdentity | undefined;
}

export interface UserAssignedIdentity {
  readonly by: "client" | "object" | "resource";
  readonly id: string;
}

/** The keys that name a user-assigned identity. */
const IDENTITY_KEYS = { ClientId: "client", ObjectId: "object", ResourceId: "resource" } as const;

const keys = {
  ProviderType: z.literal("azuremanagedidentity").describe(
    "A managed identity of Azure: no secret is needed",
  ),
  IdentityPlatform: z.enum(azurePlatforms).default("auto").describe(
    "Where the gateway runs: `vm` (also scale sets and AKS nodes), `appservice` (also Container Apps " +
      "and Functions), `arc` (a server of one's own connected by Azure Arc), `workloadidentity` (a " +
      "pod of Kubernetes). `auto` detects it from the environment variables that the platform sets",
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
};

export const managedIdentity = scheme({
  title: "Azure managed identity",
  description: "A managed identity of the Azure machine, app, pod or Arc-connected server.",
  keys,
  rules: [
    identityRule,
    platformRule,
    (keys, complain) => {
      if (isPod(keys)) return;
      for (const rule of validationRules) rule(keys, complain);
    },
    ...federatedRules.map((rule): typeof identityRule => (keys, complain) => {
      if (isPod(keys) && missingVariables(keys).length === 0) rule(federated(keys), complain);
    }),
  ],
  warnings: (keys) => isPod(keys) ? federatedWarnings(federated(keys)) : validationWarnings(keys),
  credentials(keys): ManagedIdentity | ClientCredentials {
    const platform = platformOf(keys);
    if (platform === "workloadidentity") return federatedCredentials(federated(keys));
    return {
      kind: "azure_managed_identity",
      service: identityService(platform, sources().environment),
      resource: withoutDefaultScope(keys.Scope),
      identity: platform === "arc" ? undefined : userAssigned(keys),
      ...tokenUseOf(keys),
    };
  },
  reach(credentials) {
    if (credentials.kind === "client_credentials") return clientCredentialsReach(credentials);
    const { service, tokenValidation } = credentials;
    return {
      ...keysReach(tokenValidation),
      localUrls: [service.endpoint],
      files: service.platform === "arc" ? [service.secretsDirectory] : [],
    };
  },
});

type Keys = z.output<z.ZodObject<typeof keys>>;

function identityRule(keys: Keys, complain: Complain): void {
  const [first, ...more] = (Object.keys(IDENTITY_KEYS) as (keyof typeof IDENTITY_KEYS)[])
    .filter((key) => keys[key] !== undefined);
  for (const key of more) complain(key, `names the identity that ${first} names; remove one`);
  if (first === undefined) return;
  const platform = platformOf(keys);
  if (platform === "arc") {
    complain(
      first,
      "names a user-assigned identity, which is not supported with Azure Arc; remove it to use the " +
        "server's own identity",
    );
  }
  if (platform === "workloadidentity" && first !== "ClientId") {
    complain(first, "does not name a workload identity; give ClientId");
  }
}

function isPod(keys: Keys): boolean {
  return platformOf(keys) === "workloadidentity";
}

/** The keys as those of a federated token. */
function federated(keys: Keys): FederatedTokenKeys {
  return Object.assign(Object.create(keys), {
    ProviderType: "azure",
    ClientAuthentication: "federated_token",
    Scope: `${withoutDefaultScope(keys.Scope)}${DEFAULT_SCOPE}`,
    TokenParameters: {},
    DPoP: false,
  });
}

function userAssigned(keys: Keys): UserAssignedIdentity | undefined {
  for (const [key, by] of Object.entries(IDENTITY_KEYS)) {
    const id = keys[key as keyof typeof IDENTITY_KEYS];
    if (id !== undefined) return { by, id };
  }
  const { AZURE_CLIENT_ID: clientId } = sources().environment;
  return clientId === undefined ? undefined : { by: "client", id: clientId };
}
