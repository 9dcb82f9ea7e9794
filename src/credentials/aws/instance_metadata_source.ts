/**
 * Keys of the role of an EC2 instance, from its metadata service: version 2 only, which asks for a
 * session token first, so that nobody can be tricked into passing a request on to it.
 *
 * @module
 */
import { GatewayError } from "../../errors/gateway_error.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import {
  cannotFetch,
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import { instanceMetadataAdvice, instanceMetadataSilence } from "./advice.ts";
import { checkMetadataAnswer, explainMetadataKeys } from "./metadata_answer.ts";

const SERVICE = "EC2 instance metadata service";

/** The longest life of a session token that the service allows. */
const SESSION_SECONDS = 21_600;

const KEYS_PATH = "/latest/meta-data/iam/security-credentials/";

/** The role of an instance. */
export class InstanceMetadataSource implements TokenSource {
  /** The metadata service. */
  readonly endpoint: string;
  readonly fingerprint: string;
  readonly #connection: ProviderConnection;

  constructor(endpoint: string, connection: ProviderConnection) {
    this.endpoint = endpoint;
    this.#connection = connection;
    this.fingerprint = fingerprint(["instance_metadata", endpoint]);
  }

  /**
   * Asks for keys, once. The service may answer with keys that it gave out before.
   *
   * @throws {GatewayError} As `explainMetadataKeys` and `exchange`.
   */
  async acquire(signal: AbortSignal): Promise<Token> {
    try {
      return await withinTimeLimit(
        this.#connection,
        SERVICE,
        signal,
        (signal) => this.#acquire(signal),
      );
    } catch (error) {
      throw signal.aborted ? signal.reason : withAdvice(error);
    }
  }

  async #acquire(signal: AbortSignal): Promise<Token> {
    const { server, clock } = this.#connection;
    const { endpoint } = this;
    const context = {
      server,
      service: SERVICE,
      endpoint,
      issuedAtMs: clock.now(),
      adviceByStatus: instanceMetadataAdvice,
    };
    const session = await this.#ask("/latest/api/token", signal, {
      method: "PUT",
      headers: { "x-aws-ec2-metadata-token-ttl-seconds": String(SESSION_SECONDS) },
    });
    checkMetadataAnswer(session, { ...context, secrets: [] });
    const secrets = [session.body.trim()];
    const headers = { "x-aws-ec2-metadata-token": session.body.trim() };

    const roles = await this.#ask(KEYS_PATH, signal, { headers });
    checkMetadataAnswer(roles, { ...context, secrets });
    const role = roles.body.trim().split("\n")[0]!;
    if (!/^[\w+=,.@-]{1,64}$/.test(role)) {
      throw cannotFetch("TOK-005", server, `the answer of the ${SERVICE} names no role`);
    }
    const keys = await this.#ask(KEYS_PATH + encodeURIComponent(role), signal, { headers });
    return explainMetadataKeys(keys, { ...context, secrets });
  }

  #ask(
    path: string,
    signal: AbortSignal,
    init: { readonly method?: string; readonly headers: Readonly<Record<string, string>> },
  ): Promise<ProviderAnswer> {
    return exchange(this.#connection, SERVICE, { url: this.endpoint + path, ...init, signal });
  }
}

/** Silence means that this is no instance, or a container whose packets end on their way. */
function withAdvice(error: unknown): unknown {
  const isSilence = error instanceof GatewayError && (error.code === "NET-001" ||
    (error.cause instanceof GatewayError && error.cause.code.startsWith("NET-")));
  if (!isSilence) return error;
  return new GatewayError(error.code, error.message, {
    ...(error.server !== undefined && { server: error.server }),
    troubleshooting: instanceMetadataSilence,
    cause: error,
  });
}
