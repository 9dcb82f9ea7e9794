/**
 * Chooses where access keys come from, as the configuration says.
 *
 * @module
 */
import type { AwsCredentials } from "../../config/schemes/aws/aws.ts";
import type { AwsKeysConfig } from "../../config/schemes/aws/aws_keys.ts";
import { fingerprint, type TokenSource } from "../token.ts";
import type { ProviderConnection } from "../provider_exchange.ts";
import { type AccessKeys, keysOf } from "./access_keys.ts";
import { AssumedRoleSource, type BaseKeys } from "./assumed_role_source.ts";
import type { AwsClock } from "./aws_clock.ts";
import { ContainerKeysSource } from "./container_keys_source.ts";
import { InstanceMetadataSource } from "./instance_metadata_source.ts";
import { WebIdentitySource } from "./web_identity_source.ts";

/**
 * Makes the source of access keys.
 *
 * @param awsClock What time it is for AWS.
 * @returns A source to ask; or the keys themselves, where they are there and sign for themselves.
 */
export function createKeysSource(
  credentials: Pick<AwsCredentials, "keys" | "role" | "sts">,
  connection: ProviderConnection,
  awsClock: AwsClock,
): TokenSource | AccessKeys {
  const { role, sts } = credentials;
  const own = ownKeys(credentials, connection);
  if (role === undefined) return own;
  return new AssumedRoleSource({ role, base: baseKeys(own), sts, connection, awsClock });
}

function ownKeys(
  { keys, sts }: Pick<AwsCredentials, "keys" | "sts">,
  connection: ProviderConnection,
): TokenSource | AccessKeys {
  switch (keys.from) {
    case "configuration":
      return configuredKeys(keys);
    case "web_identity":
      return new WebIdentitySource(keys, sts.url, connection);
    case "container":
      return new ContainerKeysSource(keys, connection);
    case "instance_metadata":
      return new InstanceMetadataSource(keys.endpoint, connection);
  }
}

function configuredKeys(
  { accessKeyId, secretAccessKey, sessionToken }: Extract<
    AwsKeysConfig,
    { readonly from: "configuration" }
  >,
): AccessKeys {
  return {
    accessKeyId,
    secretAccessKey: secretAccessKey.reveal(),
    sessionToken: sessionToken?.reveal(),
  };
}

function baseKeys(own: TokenSource | AccessKeys): BaseKeys {
  if ("acquire" in own) {
    return {
      fingerprint: own.fingerprint,
      get: async (signal) => keysOf(await own.acquire(signal)),
    };
  }
  return {
    fingerprint: fingerprint([own.accessKeyId, own.secretAccessKey, own.sessionToken ?? ""]),
    get: () => Promise.resolve(own),
  };
}
