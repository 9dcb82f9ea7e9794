/**
 * The platform of Azure that the gateway runs on, and its service for tokens: from the configuration, or
 * from the environment variables that the platform sets.
 */
import type { Complain } from "../../values/keys_of.ts";
import { SECRET_LINE, valueFault } from "../../values/damaged_value.ts";
import { Secret } from "../../values/secret.ts";
import { type Environment, sources } from "../../values/sources.ts";
import { isHttpUrl } from "../../values/value_schemas.ts";

/** The service for tokens of a platform. */
export type IdentityService =
  | { readonly platform: "vm"; readonly endpoint: string }
  | { readonly platform: "appservice"; readonly endpoint: string; readonly header: Secret }
  | {
    readonly platform: "arc";
    readonly endpoint: string;
    /** Absolute path of the only directory whose secrets the agent may request to be read. */
    readonly secretsDirectory: string;
  };

/** The values of `IdentityPlatform`. */
export const azurePlatforms = ["auto", "vm", "appservice", "arc", "workloadidentity"] as const;

type AzurePlatform = Exclude<(typeof azurePlatforms)[number], "auto">;

/** The parsed keys that determine the platform. */
interface PlatformKeys {
  readonly IdentityPlatform: (typeof azurePlatforms)[number];
  readonly ClientId?: string | undefined;
}

const IMDS = "http://169.254.169.254";
const ARC = "http://127.0.0.1:40342";
const TOKEN_PATH = "/metadata/identity/oauth2/token";

/** The variables that each platform must set. */
const REQUIRED: Readonly<Record<AzurePlatform, readonly string[]>> = {
  vm: [],
  appservice: ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"],
  arc: [],
  workloadidentity: ["AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"],
};

const URLS = ["IDENTITY_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST"] as const;

/** The platform, detected in the order of Azure's own libraries. */
export function platformOf(keys: PlatformKeys): AzurePlatform {
  if (keys.IdentityPlatform !== "auto") return keys.IdentityPlatform;
  const { environment } = sources();
  const clientId = keys.ClientId ?? environment["AZURE_CLIENT_ID"];
  const isPod = REQUIRED.workloadidentity.every((name) => environment[name] !== undefined);
  if (isPod && clientId !== undefined) return "workloadidentity";
  if (environment["IDENTITY_ENDPOINT"] === undefined) return "vm";
  if (environment["IDENTITY_HEADER"] !== undefined) return "appservice";
  return environment["IMDS_ENDPOINT"] !== undefined ? "arc" : "vm";
}

/** The platform must have set the variables of its service. */
export function platformRule(keys: PlatformKeys, complain: Complain): void {
  const { environment } = sources();
  const at = "IdentityPlatform";
  const platform = platformOf(keys);
  for (const name of missingVariables(keys)) {
    const message = `"${platform}" needs the environment variable ${name}, which is not set`;
    complain(at, message, "CFG-003");
  }
  for (const name of URLS) {
    const value = environment[name];
    if (value !== undefined && !isHttpUrl(value, { query: true })) {
      const state = `the environment variable ${name} is not a usable URL`;
      complain(at, state, "CFG-002");
    }
  }
  const fault = valueFault(environment["IDENTITY_HEADER"] ?? "", SECRET_LINE);
  if (fault !== undefined && platform === "appservice") {
    complain(at, `the environment variable IDENTITY_HEADER ${fault}`, "CFG-002");
  }
  if (environment["IDENTITY_SERVER_THUMBPRINT"] !== undefined && platform === "appservice") {
    complain(at, "the identity service of Service Fabric is not supported", "CFG-002");
  }
}

/** The variables that the platform must set and did not. */
export function missingVariables(keys: PlatformKeys): readonly string[] {
  return REQUIRED[platformOf(keys)].filter((name) => sources().environment[name] === undefined);
}

export function identityService(
  platform: IdentityService["platform"],
  environment: Environment,
): IdentityService {
  const { IDENTITY_ENDPOINT: endpoint = "", IDENTITY_HEADER: header = "" } = environment;
  switch (platform) {
    case "vm": {
      const origin = environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] ?? IMDS;
      return { platform, endpoint: new URL(TOKEN_PATH, origin).href };
    }
    case "appservice":
      return { platform, endpoint, header: new Secret(header) };
    case "arc":
      return {
        platform,
        endpoint: endpoint || ARC + TOKEN_PATH,
        secretsDirectory: environment["ProgramData"] === undefined
          ? "/var/opt/azcmagent/tokens"
          : `${environment["ProgramData"]}\\AzureConnectedMachineAgent\\Tokens`,
      };
  }
}
