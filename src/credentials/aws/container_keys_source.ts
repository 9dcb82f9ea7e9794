/**
 * Keys of the role of a container, from the endpoint that ECS or EKS names in its environment.
 */
import type { AwsKeysConfig } from "../../config/schemes/aws/aws_keys.ts";
import { readCredentialFile } from "../credential_file.ts";
import { fingerprint, type TokenSource } from "../token.ts";
import {
  cannotFetch,
  exchange,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import { containerAdvice } from "./advice.ts";
import { explainMetadataKeys } from "./metadata_answer.ts";

const SERVICE = "container credentials endpoint";

/** The endpoint and its authorization. */
export type ContainerKeys = Extract<AwsKeysConfig, { readonly from: "container" }>;

/**
 * Creates the source of a container's keys. The file with the token is read for each request. `acquire`
 * throws as `explainMetadataKeys` and `exchange`; AUTH-001 if the token is unusable.
 */
export function containerKeysSource(
  { url, authorization: configured }: ContainerKeys,
  connection: ProviderConnection,
): TokenSource {
  const { server, clock } = connection;
  const { origin, pathname } = new URL(url);
  const endpoint = origin + pathname;

  /** Sent unchanged: the value contains its scheme if it needs one. */
  async function authorizationValue(): Promise<string | undefined> {
    if (configured === undefined) return undefined;
    const value = "file" in configured
      ? await readCredentialFile(configured.file, {
        server,
        code: "AUTH-001",
        step: "AWS: check the file that AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names",
      })
      : configured.value.reveal();
    if (/^[\x20-\x7e]+$/.test(value)) return value;
    const state = "the token of the container is not a valid header value";
    throw cannotFetch("AUTH-001", server, state);
  }

  return {
    endpoint,
    fingerprint: fingerprint(["container", url]),
    acquire: (signal) =>
      withinTimeLimit(connection, SERVICE, signal, async (signal) => {
        const authorization = await authorizationValue();
        const issuedAtMs = clock.now();
        const headers = {
          accept: "application/json",
          ...(authorization !== undefined && { authorization }),
        };
        const answer = await exchange(connection, SERVICE, { url, headers, signal });
        return explainMetadataKeys(answer, {
          server,
          service: SERVICE,
          endpoint,
          issuedAtMs,
          secrets: authorization === undefined ? [] : [authorization],
          adviceByStatus: containerAdvice,
        });
      }),
  };
}
