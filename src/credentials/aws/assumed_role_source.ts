/**
 * Keys of a role that is assumed with other keys (`AssumeRole`).
 */
import type { AwsRole } from "../../config/schemes/aws/aws.ts";
import { fingerprint, type TokenSource } from "../token.ts";
import {
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import { type AccessKeys, currentKeys, keysFingerprint, type KeysSource } from "./access_keys.ts";
import type { AwsClock } from "./aws_clock.ts";
import { signRequest } from "./request_signature.ts";
import { explainStsAnswer, STS } from "./sts_answer.ts";

/** The role, and the keys that assume it. */
export interface AssumedRoleOptions {
  readonly role: AwsRole;
  readonly base: KeysSource;
  /** The Security Token Service. */
  readonly sts: { readonly url: string; readonly region: string };
  readonly connection: ProviderConnection;
  readonly awsClock: AwsClock;
}

/**
 * Creates the source of a role's keys. It repeats a request once if its clock was wrong. `acquire`
 * throws as `explainStsAnswer`, `exchange` and the source of the other keys.
 */
export function assumedRoleSource(
  { role, base, sts: { url, region }, connection, awsClock }: AssumedRoleOptions,
): TokenSource {
  const { clock, server } = connection;
  const parameters = parametersOf(role);

  async function request(
    keys: AccessKeys,
    signal: AbortSignal,
  ): Promise<{ readonly answer: ProviderAnswer; readonly signature: string }> {
    const request = {
      method: "POST",
      url,
      headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
      body: new URLSearchParams(parameters).toString(),
    };
    const scope = { region, service: "sts", atMs: awsClock.now() };
    const headers = await signRequest(request, keys, scope);
    return {
      answer: await exchange(connection, STS, { ...request, headers, signal }),
      signature: /Signature=(\w+)/.exec(headers["authorization"] ?? "")?.[1] ?? "",
    };
  }

  return {
    endpoint: url,
    fingerprint: fingerprint(["assumed_role", url, keysFingerprint(base), ...parameters]),
    acquire: (signal) =>
      withinTimeLimit(connection, STS, signal, async (signal) => {
        const keys = await currentKeys(base, signal);
        const secrets = [keys.secretAccessKey, keys.sessionToken, role.externalId?.reveal()]
          .filter((secret) => secret !== undefined);
        for (let attempt = 1;; attempt++) {
          const issuedAtMs = clock.now();
          const { answer, signature } = await request(keys, signal);
          const isRefused = answer.status === 400 || answer.status === 403;
          if (isRefused && attempt === 1) {
            if (awsClock.correct(answer.headers.get("date")) !== undefined) continue;
          }
          return explainStsAnswer(answer, {
            server,
            endpoint: url,
            issuedAtMs,
            secrets: [...secrets, signature],
          });
        }
      }),
  };
}

function parametersOf({ arn, externalId, sessionName, durationSeconds }: AwsRole): string[][] {
  return [
    ["Action", "AssumeRole"],
    ["Version", "2011-06-15"],
    ["RoleArn", arn],
    ["RoleSessionName", sessionName],
    ["DurationSeconds", String(durationSeconds)],
    ...(externalId === undefined ? [] : [["ExternalId", externalId.reveal()]]),
  ];
}
