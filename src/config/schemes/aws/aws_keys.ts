/**
 * Finds the source of AWS access keys: the configuration, or in the order of AWS's own tools, the
 * environment variables that ECS, EKS and administrators set, and last the instance.
 */
import { resolve } from "node:path";
import { withoutTrailing } from "../../../dicomweb/without_trailing.ts";
import type { ConfigCode } from "../../values/config_error.ts";
import { SECRET_LINE, valueFault } from "../../values/damaged_value.ts";
import { isPlaintext } from "../../values/host_names.ts";
import { Secret } from "../../values/secret.ts";
import { sources } from "../../values/sources.ts";
import { isHttpUrl } from "../../values/value_schemas.ts";

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
    /** Absolute path of the file with the token of the other identity provider. */
    readonly tokenFile: string;
  }
  | {
    readonly from: "container";
    readonly url: string;
    /** The `Authorization` header, or the absolute path of a file with it. */
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

/** The parsed keys that determine the source. */
interface SourceKeys {
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

type KeySource = Exclude<(typeof keySources)[number], "auto">;

/** The keys of the configuration that belong to one source. */
const OWN_KEYS: Readonly<Partial<Record<KeySource, readonly (keyof SourceKeys)[]>>> = {
  configuration: ["AccessKeyId", "SecretAccessKey", "SessionToken"],
  web_identity: ["WebIdentityRoleArn", "WebIdentityTokenFile"],
  instance_metadata: ["InstanceMetadataEndpoint"],
};

export const DEFAULT_SESSION_NAME = "dicomweb-gateway";

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

/** A problem with a key of the configuration, or with the environment. */
interface KeysFault {
  readonly code: ConfigCode;
  readonly key: string;
  readonly message: string;
}

/** The source of the access keys, or why there is none. */
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
  return FINDERS[source](keys);
}

const FINDERS: Readonly<Record<KeySource, (keys: SourceKeys) => AwsKeysConfig | KeysFault>> = {
  configuration: configured,
  environment: fromEnvironment,
  web_identity: webIdentity,
  container,
  instance_metadata: instanceMetadata,
};

/** The order of AWS's own tools, without the files of a home directory. */
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

function fromEnvironment(): AwsKeysConfig | KeysFault {
  const {
    AWS_ACCESS_KEY_ID: id,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_SESSION_TOKEN: token,
  } = sources().environment;
  if (id === undefined) return unset("environment", "AWS_ACCESS_KEY_ID");
  if (secret === undefined) return unset("environment", "AWS_SECRET_ACCESS_KEY");
  const damaged = damagedVariable(
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
  );
  if (damaged !== undefined) return damaged;
  return {
    from: "configuration",
    accessKeyId: id,
    secretAccessKey: new Secret(secret),
    sessionToken: token === undefined ? undefined : new Secret(token),
  };
}

function webIdentity(keys: SourceKeys): AwsKeysConfig | KeysFault {
  const { environment, directory } = sources();
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

function container(): AwsKeysConfig | KeysFault {
  const { environment, directory } = sources();
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
  if (isPlaintext(url) && !CONTAINER_HOSTS.has(new URL(url).hostname)) {
    return broken(
      name,
      "names a host that is neither this machine nor one of ECS or EKS; it needs https://",
    );
  }
  const damaged = damagedVariable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (damaged !== undefined) return damaged;
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
): AwsKeysConfig | KeysFault {
  const {
    AWS_EC2_METADATA_DISABLED: disabled,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint,
    AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: mode,
  } = sources().environment;
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

/** A relative URI that starts with `@` or a port would lead to another host. */
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

/** The first variable whose value cannot be right. */
function damagedVariable(...names: string[]): KeysFault | undefined {
  for (const name of names) {
    const fault = valueFault(sources().environment[name] ?? "", SECRET_LINE);
    if (fault !== undefined) return broken(name, fault);
  }
  return undefined;
}

function broken(variable: string, state: string): KeysFault {
  return {
    code: "CFG-002",
    key: "CredentialSource",
    message: `the environment variable ${variable} ${state}`,
  };
}
