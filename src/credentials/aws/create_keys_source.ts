/**
 * Creates the source of access keys that the configuration names.
 */
import type { AwsCredentials } from "../../config/schemes/aws/aws.ts";
import type { ProviderConnection } from "../provider_exchange.ts";
import type { KeysSource } from "./access_keys.ts";
import { assumedRoleSource } from "./assumed_role_source.ts";
import type { AwsClock } from "./aws_clock.ts";
import { containerKeysSource } from "./container_keys_source.ts";
import { instanceMetadataSource } from "./instance_metadata_source.ts";
import { webIdentitySource } from "./web_identity_source.ts";

/** Creates the configured source, behind that of the role to assume if there is one. */
export function createKeysSource(
  credentials: Pick<AwsCredentials, "keys" | "role" | "sts">,
  connection: ProviderConnection,
  awsClock: AwsClock,
): KeysSource {
  const { role, sts } = credentials;
  const base = ownSource(credentials, connection);
  return role === undefined ? base : assumedRoleSource({ role, base, sts, connection, awsClock });
}

function ownSource(
  { keys, sts }: Pick<AwsCredentials, "keys" | "sts">,
  connection: ProviderConnection,
): KeysSource {
  switch (keys.from) {
    case "configuration":
      return {
        accessKeyId: keys.accessKeyId,
        secretAccessKey: keys.secretAccessKey.reveal(),
        sessionToken: keys.sessionToken?.reveal(),
      };
    case "web_identity":
      return webIdentitySource(keys, sts.url, connection);
    case "container":
      return containerKeysSource(keys, connection);
    case "instance_metadata":
      return instanceMetadataSource(keys.endpoint, connection);
  }
}
