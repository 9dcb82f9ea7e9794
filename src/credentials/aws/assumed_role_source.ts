/**
 * Keys of a role that is assumed with other keys (`AssumeRole`), wherever those come from.
 *
 * @module
 */
import type { AwsRole } from "../../config/schemes/aws/aws.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import {
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import type { AccessKeys } from "./access_keys.ts";
import type { AwsClock } from "./aws_clock.ts";
import { signRequest } from "./request_signature.ts";
import { explainStsAnswer, STS } from "./sts_answer.ts";

/** Where the keys come from that assume the role. */
export interface BaseKeys {
  readonly fingerprint: string;
  /** @returns The keys. */
  get(signal: AbortSignal): Promise<AccessKeys>;
}

/** What a role is assumed with. */
export interface AssumedRoleOptions {
  readonly role: AwsRole;
  readonly base: BaseKeys;
  /** The Security Token Service. */
  readonly sts: { readonly url: string; readonly region: string };
  readonly connection: ProviderConnection;
  readonly awsClock: AwsClock;
}

/** A role. */
export class AssumedRoleSource implements TokenSource {
  /** The Security Token Service. */
  readonly endpoint: string;
  readonly fingerprint: string;
  readonly #options: AssumedRoleOptions;

  /** @param options What it is assumed with. */
  constructor(options: AssumedRoleOptions) {
    const { role, base, sts } = options;
    this.endpoint = sts.url;
    this.#options = options;
    this.fingerprint = fingerprint([
      "assumed_role",
      sts.url,
      base.fingerprint,
      ...parameters(role),
    ]);
  }

  /**
   * Asks for keys; once more where the clock was found to be wrong.
   *
   * @throws {GatewayError} As `explainStsAnswer` and `exchange`, and what getting the other keys throws.
   */
  acquire(signal: AbortSignal): Promise<Token> {
    const { base, role, connection, awsClock } = this.#options;
    const { clock, server } = connection;
    const { endpoint } = this;
    return withinTimeLimit(connection, STS, signal, async (signal) => {
      const keys = await base.get(signal);
      const secrets = [keys.secretAccessKey, keys.sessionToken, role.externalId?.reveal()]
        .filter((secret) => secret !== undefined);
      for (let attempt = 1;; attempt++) {
        const issuedAtMs = clock.now();
        const { answer, signature } = await this.#ask(keys, signal);
        const isRefused = answer.status === 400 || answer.status === 403;
        if (isRefused && attempt === 1) {
          if (awsClock.correct(answer.headers.get("date")) !== undefined) continue;
        }
        return explainStsAnswer(answer, {
          server,
          endpoint,
          issuedAtMs,
          secrets: [...secrets, signature],
        });
      }
    });
  }

  async #ask(
    keys: AccessKeys,
    signal: AbortSignal,
  ): Promise<{ readonly answer: ProviderAnswer; readonly signature: string }> {
    const { role, sts, connection, awsClock } = this.#options;
    const request = {
      method: "POST",
      url: sts.url,
      headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
      body: new URLSearchParams(parameters(role)).toString(),
    };
    const scope = { region: sts.region, service: "sts", atMs: awsClock.now() };
    const headers = await signRequest(request, keys, scope);
    const signature = /Signature=(\w+)/.exec(headers["authorization"] ?? "")?.[1] ?? "";
    return {
      answer: await exchange(connection, STS, { ...request, headers, signal }),
      signature,
    };
  }
}

function parameters({ arn, externalId, sessionName, durationSeconds }: AwsRole): string[][] {
  return [
    ["Action", "AssumeRole"],
    ["Version", "2011-06-15"],
    ["RoleArn", arn],
    ["RoleSessionName", sessionName],
    ["DurationSeconds", String(durationSeconds)],
    ...(externalId === undefined ? [] : [["ExternalId", externalId.reveal()]]),
  ];
}
