/**
 * Shows Google who somebody is for AWS: a request of `GetCallerIdentity`, signed for the pool alone, which
 * Google sends to AWS itself. The secret key is in none of it.
 *
 * @module
 */
import type { GoogleAwsSubject } from "../../config/schemes/google/google_credentials.ts";
import { type AccessKeys, keysOf } from "../aws/access_keys.ts";
import { AwsClock } from "../aws/aws_clock.ts";
import { createKeysSource } from "../aws/create_keys_source.ts";
import { signRequest } from "../aws/request_signature.ts";
import type { ProviderConnection } from "../provider_exchange.ts";
import type { TokenSource } from "../token.ts";

/** The header that makes the request worthless for any other pool. */
const TARGET = "x-goog-cloud-target-resource";

/**
 * Makes the subject token of an AWS identity.
 *
 * @param connection How AWS's services are reached, where keys come from them.
 * @returns The token: the request, serialised as Google wants it.
 * @throws {GatewayError} As the source of the keys.
 */
export async function awsSubjectToken(
  subject: GoogleAwsSubject,
  audience: string,
  connection: ProviderConnection,
  signal: AbortSignal,
): Promise<string> {
  const { url, region } = subject;
  const source = awsKeysSource(subject, connection);
  const keys = "acquire" in source ? keysOf(await source.acquire(signal)) : source;
  const method = "POST";
  const signed = await signRequest(
    { method, url, headers: { [TARGET]: audience }, body: "" },
    keys,
    { region, service: "sts", atMs: connection.clock.now() },
  );
  const headers = { host: new URL(url).host, ...signed };
  return encodeURIComponent(JSON.stringify({
    url,
    method,
    headers: Object.entries(headers).map(([key, value]) => ({ key, value })),
  }));
}

/**
 * Makes the source of the keys that sign.
 *
 * @returns The source, or the keys themselves.
 */
export function awsKeysSource(
  subject: GoogleAwsSubject,
  connection: ProviderConnection,
): TokenSource | AccessKeys {
  const awsClock = new AwsClock(connection.clock);
  return createKeysSource({ ...subject, role: undefined }, connection, awsClock);
}
