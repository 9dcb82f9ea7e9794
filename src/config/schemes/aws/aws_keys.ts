/**
 * Finds out where AWS access keys come from: what the configuration says, or, as AWS's own tools look
 * for them, the environment variables that ECS, EKS and administrators set, and last the instance.
 *
 * @module
 */
import { resolve } from "node:path";
import { withoutTrailing } from "../../../dicomweb/without_trailing.ts";
import type { ConfigCode } from "../../values/config_error.ts";
import { isLoopback } from "../../values/host_names.ts";
import { Secret } from "../../values/secret.ts";
import { type Environment, sources } from "../../values/sources.ts";
import { isHttpUrl } from "../../values/value_schemas.ts";

/** Where access keys come from. */
export type AwsKeysConfig =
  | {
    readonly from: "configuration";
    readonly accessKeyId: string;
    readonly secretAccessKey: Secret;
    readonly sessionToken: Secret | undefined;
  }
  | {
    readonly from: "web_identity";
    readonly roleArn: string;
    readonly sessionName: string;
    /** Absolute path of the file that holds the token of the other identity provider. */
    readonly tokenFile: string;
  }
  | {
    readonly from: "container";
    readonly url: string;
    /** What the `Authorization` header holds: itself, or the absolute path of a file with it. */
    readonly authorization:
      | { readonly value: Secret }
      | { readonly file: string }
      | undefined;
  }
  | {
    readonly from: "instance_metadata";
    /** Origin of the instance metadata service. */
    readonly endpoint: string;
  };

/** The keys, parsed, that name a source. */
export interface SourceKeys {
  readonly CredentialSource?: (typeof keySources)[number] | undefined;
  readonly AccessKeyId?: string | undefined;
  readonly SecretAccessKey?: Secret | undefined;
  readonly SessionToken?: Secret | undefined;
  readonly WebIdentityRoleArn?: string | undefined;
  readonly WebIdentityTokenFile?: string | undefined;
  readonly RoleSessionName?: string | undefined;
  readonly InstanceMetadataEndpoint?: string | undefined;
}

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

/** The keys of the configuration that belong to one source, by source. */
const OWN_KEYS: Readonly<
  Partial<Record<KeySource, readonly (keyof SourceKeys)[]>>
> = {
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

/** The source of the keys; or what is wrong, or wrong with what the environment says of it. */
export function findKeys(keys: SourceKeys): AwsKeysConfig | KeysFault {
  const source = chosenSource(keys);
  for (const [owner, own] of Object.entries(OWN_KEYS)) {
    const foreign = owner === source ? undefined : own.find((key) => keys[key] !== undefined);
    if (foreign !== undefined) {
      return {
        code: "CFG-002",
        key: foreign,
        message: `belongs to CredentialSource "${owner}", but "${source}" is configured; remove it`,
      };
    }
  }
  return FINDERS[source](keys, sources());
}

/** What the environment of a source is. */
type Surroundings = Pick<ReturnType<typeof sources>, "environment" | "directory">;

const FINDERS: Readonly<
  Record<KeySource, (keys: SourceKeys, surroundings: Surroundings) => AwsKeysConfig | KeysFault>
> = {
  configuration: configured,
  environment: (_, { environment }) => fromEnvironment(environment),
  web_identity: webIdentity,
  container: (_, surroundings) => container(surroundings),
  instance_metadata: (keys, { environment }) => instanceMetadata(keys, environment),
};

/** The order of AWS's own tools, without the files of a person's workplace. */
function chosenSource(keys: SourceKeys): KeySource {
  const { CredentialSource: chosen = "auto" } = keys;
  if (chosen !== "auto") return chosen;
  for (const [owner, own] of Object.entries(OWN_KEYS)) {
    if (own.some((key) => keys[key] !== undefined)) return owner as KeySource;
  }
  const { environment } = sources();
  const has = (...names: string[]) => names.some((name) => environment[name] !== undefined);
  if (has("AWS_ACCESS_KEY_ID")) return "environment";
  if (has("AWS_WEB_IDENTITY_TOKEN_FILE")) return "web_identity";
  if (has("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    return "container";
  }
  return "instance_metadata";
}

function configured(keys: SourceKeys): AwsKeysConfig | KeysFault {
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = keys;
  if (accessKeyId === undefined) return missing("AccessKeyId");
  if (secretAccessKey === undefined) return missing("SecretAccessKey");
  return { from: "configuration", accessKeyId, secretAccessKey, sessionToken: keys.SessionToken };
}

function fromEnvironment(environment: Environment): AwsKeysConfig | KeysFault {
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
  keys: SourceKeys,
  { environment, directory }: Surroundings,
): AwsKeysConfig | KeysFault {
  const {
    WebIdentityRoleArn: roleArn = environment["AWS_ROLE_ARN"],
    WebIdentityTokenFile: file = environment["AWS_WEB_IDENTITY_TOKEN_FILE"],
    RoleSessionName: sessionName = environment["AWS_ROLE_SESSION_NAME"] ?? DEFAULT_SESSION_NAME,
  } = keys;
  if (roleArn === undefined) return unset("web_identity", "AWS_ROLE_ARN", "WebIdentityRoleArn");
  if (file === undefined) {
    return unset("web_identity", "AWS_WEB_IDENTITY_TOKEN_FILE", "WebIdentityTokenFile");
  }
  return { from: "web_identity", roleArn, sessionName, tokenFile: resolve(directory, file) };
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
    return broken(name, "is not a usable URL");
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

function instanceMetadata(
  { InstanceMetadataEndpoint: configured }: SourceKeys,
  environment: Environment,
): AwsKeysConfig | KeysFault {
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
        "and AWS_EC2_METADATA_DISABLED prevents the gateway from requesting them from the instance",
    };
  }
  if (configured === undefined && endpoint !== undefined && !isUsable(endpoint)) {
    return broken("AWS_EC2_METADATA_SERVICE_ENDPOINT", "is not a usable URL");
  }
  const standard = mode?.toLowerCase() === "ipv6" ? INSTANCE_METADATA.ipv6 : INSTANCE_METADATA.ipv4;
  const found = configured ?? endpoint ?? standard;
  return { from: "instance_metadata", endpoint: withoutTrailing(found, "/") };
}

function isUsable(url: string): boolean {
  return isHttpUrl(url, { query: true });
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
