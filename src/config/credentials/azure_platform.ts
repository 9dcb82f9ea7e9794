/**
 * Which platform of Azure the gateway runs on, and which of its services gives out tokens: told by the
 * configuration, or by the environment variables that the platform sets.
 *
 * @module
 */
import type { IdentityService } from "../azure_config.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { Secret } from "../secret.ts";
import { httpUrl } from "../value_schemas.ts";

/** The platforms that can be named. */
export const azurePlatforms = ["auto", "vm", "appservice", "arc", "workloadidentity"] as const;

/** A platform of Azure. */
export type AzurePlatform = Exclude<(typeof azurePlatforms)[number], "auto">;

type Environment = ReadContext["environment"];

/** The variables that tell of platforms and services. */
export const PLATFORM_VARIABLES = [
  "IDENTITY_ENDPOINT",
  "IDENTITY_HEADER",
  "IDENTITY_SERVER_THUMBPRINT",
  "IMDS_ENDPOINT",
  "AZURE_POD_IDENTITY_AUTHORITY_HOST",
  "ProgramData",
] as const;

const IMDS = "http://169.254.169.254";
const ARC = "http://127.0.0.1:40342";
const TOKEN_PATH = "/metadata/identity/oauth2/token";

/** The variables that each platform must have set. */
const REQUIRED: Readonly<Record<AzurePlatform, readonly string[]>> = {
  vm: [],
  appservice: ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"],
  arc: [],
  workloadidentity: ["AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"],
};

/** The variables that hold URLs. */
const URLS = ["IDENTITY_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST"] as const;

/**
 * Tells the platform, in the order in which Azure's own libraries look.
 *
 * @param raw The server's keys as written.
 * @param environment The variables.
 * @returns The platform.
 */
export function platformOf(raw: RawKeys, environment: Environment): AzurePlatform {
  const { IdentityPlatform: chosen, ClientId: clientId = environment["AZURE_CLIENT_ID"] } = raw;
  const platform = azurePlatforms.find((each) => each === chosen);
  if (platform !== undefined && platform !== "auto") return platform;
  const isPod = REQUIRED.workloadidentity.every((name) => environment[name] !== undefined);
  if (isPod && clientId !== undefined) return "workloadidentity";
  if (environment["IDENTITY_ENDPOINT"] === undefined) return "vm";
  if (environment["IDENTITY_HEADER"] !== undefined) return "appservice";
  return environment["IMDS_ENDPOINT"] !== undefined ? "arc" : "vm";
}

/**
 * Checks that the platform has set what its service needs.
 *
 * @param raw The server's keys as written.
 * @param context Where they stand.
 * @returns Whether it has.
 */
export function checkPlatform(raw: RawKeys, { path, report, environment }: ReadContext): boolean {
  const at = [...path, "IdentityPlatform"];
  const platform = platformOf(raw, environment);
  const missing = REQUIRED[platform].filter((name) => environment[name] === undefined);
  for (const name of missing) {
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
  return missing.length === 0;
}

/**
 * The service that gives out tokens.
 *
 * @param platform The platform.
 * @param environment The variables, found right.
 * @returns The service.
 */
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
