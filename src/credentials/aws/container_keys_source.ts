/**
 * Keys of the role of a container, from the endpoint that ECS or EKS names in its environment.
 *
 * @module
 */
import type { AwsKeysConfig } from "../../config/schemes/aws/aws_keys.ts";
import { CredentialFileError, readCredentialFile } from "../credential_file.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import {
  cannotFetch,
  exchange,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import { containerAdvice } from "./advice.ts";
import { explainMetadataKeys } from "./metadata_answer.ts";

const SERVICE = "container credentials endpoint";

/** What the environment says of a container. */
export type ContainerKeys = Extract<AwsKeysConfig, { readonly from: "container" }>;

/** The role of a container. */
export class ContainerKeysSource implements TokenSource {
  /** The endpoint, without its query. */
  readonly endpoint: string;
  readonly fingerprint: string;
  readonly #container: ContainerKeys;
  readonly #connection: ProviderConnection;

  constructor(container: ContainerKeys, connection: ProviderConnection) {
    const { origin, pathname } = new URL(container.url);
    this.endpoint = origin + pathname;
    this.#container = container;
    this.#connection = connection;
    this.fingerprint = fingerprint(["container", container.url]);
  }

  /**
   * Asks for keys, once, with the token as its file holds it now.
   *
   * @throws {GatewayError} AUTH-001 where the file gives no token; as `explainMetadataKeys` and `exchange`.
   */
  acquire(signal: AbortSignal): Promise<Token> {
    const { server, clock } = this.#connection;
    const { endpoint } = this;
    return withinTimeLimit(this.#connection, SERVICE, signal, async (signal) => {
      const authorization = await this.#authorization();
      const issuedAtMs = clock.now();
      const answer = await exchange(this.#connection, SERVICE, {
        url: this.#container.url,
        headers: {
          accept: "application/json",
          ...(authorization !== undefined && { authorization }),
        },
        signal,
      });
      return explainMetadataKeys(answer, {
        server,
        service: SERVICE,
        endpoint,
        issuedAtMs,
        secrets: authorization === undefined ? [] : [authorization],
        adviceByStatus: containerAdvice,
      });
    });
  }

  /** Sent as it is: the value has its scheme in it where it needs one. */
  async #authorization(): Promise<string | undefined> {
    const { authorization } = this.#container;
    const { server } = this.#connection;
    if (authorization === undefined) return undefined;
    let value: string;
    try {
      value = "file" in authorization
        ? await readCredentialFile(authorization.file)
        : authorization.value.reveal();
    } catch (cause) {
      if (!(cause instanceof CredentialFileError)) throw cause;
      throw cannotFetch("AUTH-001", server, cause.message, {
        troubleshooting: ["AWS: check the file that AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names"],
        cause,
      });
    }
    if (!/^[\x20-\x7e]+$/.test(value)) {
      throw cannotFetch(
        "AUTH-001",
        server,
        "the token of the container is not a valid header value",
      );
    }
    return value;
  }
}
