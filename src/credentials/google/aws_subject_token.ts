/**
 * Proves an AWS identity to Google: a `GetCallerIdentity` request, signed for one pool, which Google
 * sends to AWS itself. It does not contain the secret key.
 */
import type { GoogleAwsSubject } from "../../config/schemes/google/google_credentials.ts";
import { currentKeys, type KeysSource } from "../aws/access_keys.ts";
import { AwsClock } from "../aws/aws_clock.ts";
import { createKeysSource } from "../aws/create_keys_source.ts";
import { signRequest } from "../aws/request_signature.ts";
import type { ProviderConnection } from "../provider_exchange.ts";

/** The header that makes the request worthless for any other pool. */
const TARGET = "x-goog-cloud-target-resource";

/**
 * The subject token of an AWS identity: the signed request, serialised as Google requires.
 *
 * @throws {GatewayError} As the source of the keys.
 */
export async function awsSubjectToken(
  subject: GoogleAwsSubject,
  audience: string,
  connection: ProviderConnection,
  signal: AbortSignal,
): Promise<string> {
  const { url, region } = subject;
  const keys = await currentKeys(awsKeysSource(subject, connection), signal);
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

/** The source of the keys that sign. */
export function awsKeysSource(
  subject: GoogleAwsSubject,
  connection: ProviderConnection,
): KeysSource {
  const awsClock = new AwsClock(connection.clock);
  return createKeysSource({ ...subject, role: undefined }, connection, awsClock);
}
