/**
 * Servers with tokens of Google, and the files that they name, for tests of their configuration.
 */
import assert from "node:assert/strict";
import type { GatewayConfig } from "../../src/config/gateway_config.ts";
import type { GoogleCredentials } from "../../src/config/schemes/google/google_credentials.ts";
import { ACCOUNT, KEY_ID, PRIVATE_KEY } from "../credentials/google/google_keys.ts";
import { parseSection, reachOf, serverProblems, type Surroundings } from "./memory_files.ts";

export type Keys = Readonly<Record<string, unknown>>;

export const FILE = "/etc/google.json";
/** URL of service accounts, whose tokens the API issues. */
export const IAM = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts";
export const KEY = {
  type: "service_account",
  project_id: "clinic",
  private_key_id: KEY_ID,
  private_key: PRIVATE_KEY,
  client_email: ACCOUNT,
  client_id: "1",
  auth_uri: "https://accounts.google.com/o/oauth2/auth",
  token_uri: "https://oauth2.googleapis.com/token",
  universe_domain: "googleapis.com",
};
/** The credentials of a user, as `gcloud` writes them. */
export const USER = {
  type: "authorized_user",
  client_id: "gcloud",
  client_secret: "s3cret-client",
  refresh_token: "s3cret-refresh",
  quota_project_id: "billing",
};
/** A configuration of workload identity federation. */
export const FEDERATION = {
  type: "external_account",
  audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/c",
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  token_url: "https://sts.googleapis.com/v1/token",
  credential_source: { file: "/run/token" },
};

/** The file system and the variables around a configuration. */
export function surroundings(file: unknown): Surroundings {
  return {
    files: { [FILE]: typeof file === "string" ? file : JSON.stringify(file) },
    env: { KEY: JSON.stringify(KEY) },
  };
}

function serverOf(keys: Keys, file: unknown): Keys {
  return {
    Url: "https://healthcare.googleapis.com/v1/dicomWeb",
    ProviderType: "google",
    ...(file !== undefined && { CredentialsFile: FILE }),
    ...keys,
  };
}

/** Parses a configuration with one server. */
export function load(
  keys: Keys,
  file?: unknown,
  env: Record<string, string> = {},
): Promise<GatewayConfig> {
  const around = surroundings(file ?? "");
  const section = {
    TokenCache: { Backend: "memory" },
    Servers: { main: serverOf(keys, file) },
  };
  return parseSection(section, { ...around, env: { ...around.env, ...env } });
}

export async function credentials(
  keys: Keys,
  file?: unknown,
  env?: Record<string, string>,
): Promise<GoogleCredentials> {
  const found = (await load(keys, file, env)).servers.get("main")!.credentials;
  assert(found.kind === "google");
  return found;
}

export async function reach(
  keys: Keys,
  file?: unknown,
  env?: Record<string, string>,
): Promise<ReturnType<typeof reachOf>> {
  return reachOf(await load(keys, file, env));
}

export function problems(keys: Keys, file?: unknown): Promise<string[]> {
  return serverProblems(serverOf(keys, file), surroundings(file ?? ""));
}
