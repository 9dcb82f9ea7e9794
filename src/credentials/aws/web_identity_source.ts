/**
 * Keys of a role that trusts another identity provider: the token of that provider, which something
 * else writes to a file, is exchanged for them (`AssumeRoleWithWebIdentity`). EKS gives pods such a
 * file.
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
import { explainStsAnswer, STS } from "./sts_answer.ts";

/** What the configuration says of a web identity. */
export type WebIdentity = Extract<AwsKeysConfig, { readonly from: "web_identity" }>;

/** A web identity. */
export class WebIdentitySource implements TokenSource {
  /** The Security Token Service. */
  readonly endpoint: string;
  readonly fingerprint: string;
  readonly #identity: WebIdentity;
  readonly #connection: ProviderConnection;

  /** @param stsUrl URL of the Security Token Service. */
  constructor(identity: WebIdentity, stsUrl: string, connection: ProviderConnection) {
    const { roleArn, sessionName, tokenFile } = identity;
    this.endpoint = stsUrl;
    this.#identity = identity;
    this.#connection = connection;
    this.fingerprint = fingerprint(["web_identity", stsUrl, roleArn, sessionName, tokenFile]);
  }

  /**
   * Asks for keys, once, with the token as the file holds it now.
   *
   * @throws {GatewayError} AUTH-001 where the file gives no token; as `explainStsAnswer` and `exchange`.
   */
  acquire(signal: AbortSignal): Promise<Token> {
    const { clock, server } = this.#connection;
    const { endpoint } = this;
    return withinTimeLimit(this.#connection, STS, signal, async (signal) => {
      const identityToken = await this.#identityToken();
      const issuedAtMs = clock.now();
      const answer = await exchange(this.#connection, STS, {
        url: endpoint,
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
        // Neither signed nor authorized otherwise: the token is all.
        body: new URLSearchParams({
          Action: "AssumeRoleWithWebIdentity",
          Version: "2011-06-15",
          RoleArn: this.#identity.roleArn,
          RoleSessionName: this.#identity.sessionName,
          WebIdentityToken: identityToken,
        }).toString(),
        signal,
      });
      return explainStsAnswer(answer, { server, endpoint, issuedAtMs, secrets: [identityToken] });
    });
  }

  async #identityToken(): Promise<string> {
    try {
      return await readCredentialFile(this.#identity.tokenFile);
    } catch (cause) {
      if (!(cause instanceof CredentialFileError)) throw cause;
      throw cannotFetch("AUTH-001", this.#connection.server, cause.message, {
        troubleshooting: ["AWS: check the file that WebIdentityTokenFile or the variable names"],
        cause,
      });
    }
  }
}
