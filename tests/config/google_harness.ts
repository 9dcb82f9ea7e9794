/**
 * Servers with tokens of Google, and the files that they name, for tests of their configuration.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { GatewayConfig } from "../../src/config/gateway_config.ts";
import type { GoogleCredentials } from "../../src/config/schemes/google/google_credentials.ts";
import { ACCOUNT, KEY_ID, PRIVATE_KEY } from "../credentials/google/google_keys.ts";
import { parseSection, problemsOf, reachOf, type Surroundings } from "./memory_files.ts";

/** Keys of a server. */
export type Keys = Readonly<Record<string, unknown>>;

/** Path of the credentials file. */
export const FILE = "/etc/google.json";
/** Where tokens of service accounts are made. */
export const IAM = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts";
/** A key of a service account. */
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
/** What `gcloud` writes of a user. */
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

/** Reads a configuration with one server. */
export function load(
  keys: Keys,
  file?: unknown,
  env: Record<string, string> = {},
): Promise<GatewayConfig> {
  const server = {
    Url: "https://healthcare.googleapis.com/v1/dicomWeb",
    ProviderType: "google",
    ...(file !== undefined && { CredentialsFile: FILE }),
    ...keys,
  };
  const around = surroundings(file ?? "");
  return parseSection({ Servers: { main: server } }, { ...around, env: { ...around.env, ...env } });
}

/** Reads a server's credentials. */
export async function credentials(
  keys: Keys,
  file?: unknown,
  env?: Record<string, string>,
): Promise<GoogleCredentials> {
  const found = (await load(keys, file, env)).servers.get("main")!.credentials;
  assert(found.kind === "google");
  return found;
}

/** Reads what a server's credentials reach. */
export async function reach(
  keys: Keys,
  file?: unknown,
  env?: Record<string, string>,
): Promise<ReturnType<typeof reachOf>> {
  return reachOf(await load(keys, file, env));
}

/** Tells what is wrong with a server. */
export async function problems(keys: Keys, file?: unknown): Promise<string[]> {
  const server = {
    Url: "https://healthcare.googleapis.com/v1/dicomWeb",
    ProviderType: "google",
    ...(file !== undefined && { CredentialsFile: FILE }),
    ...keys,
  };
  const section = { Servers: { main: server } };
  const found = await problemsOf({ DicomWebOAuth: section }, surroundings(file ?? ""));
  return found.map(({ code, path, message }) =>
    `${code} ${path.replace("DicomWebOAuth.Servers.main.", "")}: ${message}`
  );
}
