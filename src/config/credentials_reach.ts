/**
 * What each way of signing has to reach while the gateway runs: the network allowlist and the
 * worker's permissions come of it.
 *
 * @module
 */
import type { AwsCredentials } from "./aws_config.ts";
import type { DiscoveryConfig } from "./discovery_config.ts";
import type { CredentialsConfig } from "./gateway_config.ts";
import type { GoogleCredentials } from "./google_config.ts";
import { isLoopback } from "./host_names.ts";
import type { VerificationKeys } from "./token_validation_config.ts";

/** What a way of signing has to reach. */
export interface CredentialsReach {
  /** URLs whose hosts are contacted, besides the store's own. */
  readonly urls: readonly string[];
  /**
   * URLs of metadata services of this machine or its platform: contacted as well, but never through
   * the egress proxy, which cannot reach them, or would reach those of its own machine.
   */
  readonly localUrls: readonly string[];
  /** Absolute paths of files that are read again while the gateway runs. */
  readonly files: readonly string[];
  /** Whether it keeps something in the state directory. */
  readonly state: boolean;
}

const NOTHING: CredentialsReach = { urls: [], localUrls: [], files: [], state: false };

/**
 * What the configured way of signing has to reach.
 *
 * @param credentials What the configuration says.
 * @returns Hosts, files and whether the state directory is used.
 */
export function credentialsReach(credentials: CredentialsConfig): CredentialsReach {
  const reach = signingReach(credentials);
  if (!("tokenValidation" in credentials) || credentials.tokenValidation === undefined) {
    return reach;
  }
  return { ...reach, urls: [...reach.urls, ...keyUrls(credentials.tokenValidation.keys)] };
}

function signingReach(credentials: CredentialsConfig): CredentialsReach {
  switch (credentials.kind) {
    case "none":
    case "static_token":
    case "basic":
    case "headers":
      return NOTHING;
    case "client_credentials": {
      const { tokenEndpoint, clientAuthentication: client } = credentials;
      const files = client.method === "federated_token" ? [client.file] : [];
      return { ...NOTHING, urls: endpointUrls(tokenEndpoint), files };
    }
    case "token_file":
      return { ...NOTHING, files: [credentials.file] };
    case "google":
      return googleReach(credentials);
    case "aws":
      return awsReach(credentials);
    case "azure_managed_identity": {
      const { service } = credentials;
      const files = service.platform === "arc" ? [service.secretsDirectory] : [];
      return { ...NOTHING, localUrls: [service.endpoint], files };
    }
  }
}

/**
 * The URLs of everything that may have to be asked for keys.
 *
 * @param keys Where keys come from.
 * @returns The URLs.
 */
export function keyUrls(keys: VerificationKeys): string[] {
  switch (keys.from) {
    case "configuration":
      return [];
    case "url":
      return [keys.url];
    case "discovery":
      return endpointUrls(keys.discovery);
  }
}

/** Where an endpoint is yet to be learnt, every host counts that it may be at. */
function endpointUrls(endpoint: string | DiscoveryConfig): string[] {
  if (typeof endpoint === "string") return [endpoint];
  return [endpoint.url, ...endpoint.allowedHosts.map((host) => `https://${host}`)];
}

/**
 * Of the URLs that a way of signing may have to reach, those that only a discovery document can make
 * necessary.
 *
 * @param credentials What the configuration says.
 * @returns The URLs, as `credentialsReach` has them.
 */
export function possibleUrls(credentials: CredentialsConfig): string[] {
  const endpoints = [
    "tokenEndpoint" in credentials ? credentials.tokenEndpoint : "",
    "tokenValidation" in credentials && credentials.tokenValidation?.keys.from === "discovery"
      ? credentials.tokenValidation.keys.discovery
      : "",
  ];
  return endpoints.flatMap((endpoint) =>
    typeof endpoint === "string" ? [] : endpointUrls(endpoint).slice(1)
  );
}

function googleReach({ grant, impersonation }: GoogleCredentials): CredentialsReach {
  const urls = impersonation === undefined ? [] : [impersonation.url];
  if (grant.type === "metadata") return { ...NOTHING, urls, localUrls: [grant.origin] };
  urls.push(grant.tokenEndpoint);
  if (grant.type !== "external_account") return { ...NOTHING, urls };
  const { subject } = grant;
  if (subject.from === "file") return { ...NOTHING, urls, files: [subject.file] };
  if (subject.from === "aws") {
    const { keys, sts } = subject;
    const reach = awsReach({ keys, role: undefined, sts, payloadSigning: "unsigned" });
    return { ...reach, urls: [...urls, ...reach.urls] };
  }
  return isLocal(subject.url)
    ? { ...NOTHING, urls, localUrls: [subject.url] }
    : { ...NOTHING, urls: [...urls, subject.url] };
}

/** Whether a service of this machine or its platform is meant, such as a metadata service. */
function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  return isLoopback(hostname) || hostname.startsWith("169.254.") ||
    hostname === "metadata.google.internal";
}

function awsReach(
  { keys, role, sts, payloadSigning }: Pick<
    AwsCredentials,
    "keys" | "role" | "sts" | "payloadSigning"
  >,
): CredentialsReach {
  const asksSts = role !== undefined || keys.from === "web_identity";
  return {
    urls: asksSts ? [sts.url] : [],
    localUrls: keys.from === "container"
      ? [keys.url]
      : keys.from === "instance_metadata"
      ? [keys.endpoint]
      : [],
    files: keys.from === "web_identity"
      ? [keys.tokenFile]
      : keys.from === "container" && keys.authorization && "file" in keys.authorization
      ? [keys.authorization.file]
      : [],
    // Bodies whose hash is signed are kept there.
    state: payloadSigning !== "unsigned",
  };
}
