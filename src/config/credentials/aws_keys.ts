/**
 * Finds out where AWS access keys come from: what the configuration says, or, as AWS's own tools look
 * for them, the environment variables that ECS, EKS and administrators set, and last the instance.
 *
 * @module
 */
import { resolve } from "node:path";

import { withoutTrailing } from "../../dicomweb/without_trailing.ts";
import type { AwsKeysConfig } from "../aws_config.ts";
import type { ConfigCode } from "../config_error.ts";
import { isLoopback } from "../host_names.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { Secret } from "../secret.ts";
import { httpUrl } from "../value_schemas.ts";

/** The values of `CredentialSource`. */
export const keySources = [
  "auto",
  "configuration",
  "environment",
  "web_identity",
  "container",
  "instance_metadata",
] as const;

/** A source of keys, chosen. */
type KeySource = Exclude<(typeof keySources)[number], "auto">;

/** The variables that keys are looked for in. */
export const keyVariables: readonly string[] = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_ROLE_ARN",
  "AWS_ROLE_SESSION_NAME",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
  "AWS_EC2_METADATA_DISABLED",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
];

/** The keys of the configuration that belong to one source, by source. */
const OWN_KEYS: Readonly<Partial<Record<KeySource, readonly string[]>>> = {
  configuration: ["AccessKeyId", "SecretAccessKey", "SessionToken"],
  web_identity: ["WebIdentityRoleArn", "WebIdentityTokenFile"],
  instance_metadata: ["InstanceMetadataEndpoint"],
};

/** What a session is called in AWS's logs where nothing else is said. */
export const DEFAULT_SESSION_NAME = "dicomweb-gateway";

/** Where ECS answers; `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` is a path there. */
const ECS_ORIGIN = "http://169.254.170.2";

/**
 * Hosts that `AWS_CONTAINER_CREDENTIALS_FULL_URI` may name without TLS besides loopback: those of ECS
 * and EKS (AWS SDKs and Tools Reference Guide, container credential provider).
 */
const CONTAINER_HOSTS: ReadonlySet<string> = new Set([
  "169.254.170.2",
  "169.254.170.23",
  "[fd00:ec2::23]",
]);

const INSTANCE_METADATA = { ipv4: "http://169.254.169.254", ipv6: "http://[fd00:ec2::254]" };

/** Why there are no keys. */
export interface KeysFault {
  readonly code: ConfigCode;
  /** The key of the configuration that it is about. */
  readonly key: string;
  readonly message: string;
}

/** What is looked at. */
type Surroundings = Pick<ReadContext, "environment" | "directory">;

/**
 * Finds the source of the keys.
 *
 * @param raw The server's keys as written.
 * @param surroundings The environment, and the directory that relative paths are taken from.
 * @returns The source; or what is wrong, or wrong with what the environment says of it.
 */
export function findKeys(raw: RawKeys, surroundings: Surroundings): AwsKeysConfig | KeysFault {
  const source = chosenSource(raw, surroundings.environment);
  for (const [owner, keys] of Object.entries(OWN_KEYS)) {
    const foreign = owner === source ? undefined : keys.find((key) => raw[key] !== undefined);
    if (foreign !== undefined) {
      return {
        code: "CFG-002",
        key: foreign,
        message: `belongs to CredentialSource "${owner}", but "${source}" is chosen; remove it`,
      };
    }
  }
  switch (source) {
    case "configuration":
      return configured(raw);
    case "environment":
      return fromEnvironment(surroundings);
    case "web_identity":
      return webIdentity(raw, surroundings);
    case "container":
      return container(surroundings);
    case "instance_metadata":
      return instanceMetadata(raw, surroundings);
  }
}

/** The order of AWS's own tools, without the files of a person's workplace. */
function chosenSource(raw: RawKeys, environment: Surroundings["environment"]): KeySource {
  const { CredentialSource: chosen = "auto" } = raw;
  if (keySources.includes(chosen as KeySource) && chosen !== "auto") return chosen as KeySource;
  for (const [owner, keys] of Object.entries(OWN_KEYS)) {
    if (keys.some((key) => raw[key] !== undefined)) return owner as KeySource;
  }
  const has = (...names: string[]) => names.some((name) => environment[name] !== undefined);
  if (has("AWS_ACCESS_KEY_ID")) return "environment";
  if (has("AWS_WEB_IDENTITY_TOKEN_FILE")) return "web_identity";
  if (has("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    return "container";
  }
  return "instance_metadata";
}

function configured(raw: RawKeys): AwsKeysConfig | KeysFault {
  const { AccessKeyId: id, SecretAccessKey: secret, SessionToken: token } = raw;
  if (id === undefined) return missing("AccessKeyId");
  if (secret === undefined) return missing("SecretAccessKey");
  return {
    from: "configuration",
    accessKeyId: String(id),
    secretAccessKey: new Secret(String(secret)),
    sessionToken: token === undefined ? undefined : new Secret(String(token)),
  };
}

function fromEnvironment({ environment }: Surroundings): AwsKeysConfig | KeysFault {
  const {
    AWS_ACCESS_KEY_ID: id,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_SESSION_TOKEN: token,
  } = environment;
  if (id === undefined) return unset("environment", "AWS_ACCESS_KEY_ID");
  if (secret === undefined) return unset("environment", "AWS_SECRET_ACCESS_KEY");
  return {
    from: "configuration",
    accessKeyId: id,
    secretAccessKey: new Secret(secret),
    sessionToken: token === undefined ? undefined : new Secret(token),
  };
}

function webIdentity(
  raw: RawKeys,
  { environment, directory }: Surroundings,
): AwsKeysConfig | KeysFault {
  const {
    WebIdentityRoleArn: roleArn = environment["AWS_ROLE_ARN"],
    WebIdentityTokenFile: file = environment["AWS_WEB_IDENTITY_TOKEN_FILE"],
    RoleSessionName: name = environment["AWS_ROLE_SESSION_NAME"] ?? DEFAULT_SESSION_NAME,
  } = raw;
  if (roleArn === undefined) return unset("web_identity", "AWS_ROLE_ARN", "WebIdentityRoleArn");
  if (file === undefined) {
    return unset("web_identity", "AWS_WEB_IDENTITY_TOKEN_FILE", "WebIdentityTokenFile");
  }
  return {
    from: "web_identity",
    roleArn: String(roleArn),
    sessionName: String(name),
    tokenFile: resolve(directory, String(file)),
  };
}

function container({ environment, directory }: Surroundings): AwsKeysConfig | KeysFault {
  const {
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: path,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: full,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
  } = environment;
  const url = path === undefined ? full : ECS_ORIGIN + path;
  if (url === undefined) return unset("container", "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  const name = path === undefined
    ? "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    : "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
  if (!isUsable(url) || new URL(url).origin !== originAsWritten(url)) {
    return broken(name, "holds no URL that can be used");
  }
  const { protocol, hostname } = new URL(url);
  if (protocol === "http:" && !isLoopback(hostname) && !CONTAINER_HOSTS.has(hostname)) {
    return broken(
      name,
      "names a host that is neither this machine nor one of ECS or EKS; it needs https://",
    );
  }
  return {
    from: "container",
    url: new URL(url).href,
    authorization: file !== undefined
      ? { file: resolve(directory, file) }
      : token !== undefined
      ? { value: new Secret(token) }
      : undefined,
  };
}

function instanceMetadata(raw: RawKeys, { environment }: Surroundings): AwsKeysConfig | KeysFault {
  const { InstanceMetadataEndpoint: configured } = raw;
  const {
    AWS_EC2_METADATA_DISABLED: disabled,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint,
    AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: mode,
  } = environment;
  if (configured === undefined && disabled?.toLowerCase() === "true") {
    return {
      code: "CFG-001",
      key: "AccessKeyId",
      message: "AWS needs credentials: there are none in the configuration and the environment, " +
        "and AWS_EC2_METADATA_DISABLED keeps the gateway from asking the instance for them",
    };
  }
  if (configured === undefined && endpoint !== undefined && !isUsable(endpoint)) {
    return broken("AWS_EC2_METADATA_SERVICE_ENDPOINT", "holds no URL that can be used");
  }
  const standard = mode?.toLowerCase() === "ipv6" ? INSTANCE_METADATA.ipv6 : INSTANCE_METADATA.ipv4;
  const found = String(configured ?? endpoint ?? standard);
  return { from: "instance_metadata", endpoint: withoutTrailing(found, "/") };
}

function isUsable(url: string): boolean {
  return httpUrl({ query: true }).safeParse(url).success;
}

/** A relative URI that begins with `@` or a port would lead to another host. */
function originAsWritten(url: string): string {
  return url.slice(0, url.indexOf("/", url.indexOf("://") + 3));
}

function missing(key: string): KeysFault {
  return { code: "CFG-001", key, message: `AWS needs ${key}` };
}

function unset(source: KeySource, variable: string, key?: string): KeysFault {
  const other = key === undefined ? "" : ` (nor is ${key})`;
  return {
    code: "CFG-003",
    key: "CredentialSource",
    message: `"${source}" needs the environment variable ${variable}, which is not set${other}`,
  };
}

function broken(variable: string, state: string): KeysFault {
  return {
    code: "CFG-002",
    key: "CredentialSource",
    message: `the environment variable ${variable} ${state}`,
  };
}
