/**
 * What token sources are tested with: a real HTTP client for the hosts of a test, and a check of
 * failures that no secret gets out with them.
 */
import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../src/network/clock.ts";
import type { ProviderConnection } from "../../src/credentials/provider_exchange.ts";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { HttpClient } from "../../src/network/http_client.ts";

/** A signal that does not abort. */
export const never: AbortSignal = new AbortController().signal;

/** What a connection may have that others have not. */
export interface ConnectionOptions {
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/**
 * Gives a test a connection to its servers.
 *
 * @param urls URLs that may be contacted.
 */
export async function withConnection(
  urls: readonly string[],
  body: (connection: ProviderConnection) => Promise<void>,
  { timeoutMs = 5000, clock = systemClock }: ConnectionOptions = {},
): Promise<void> {
  const http = new HttpClient({ allowlist: new Set(urls.map(hostAndPort)) });
  try {
    await body({ server: "main", http, timeoutMs, clock });
  } finally {
    http.close();
  }
}

/**
 * Waits for what must fail.
 *
 * @param promise What must fail.
 * @param secrets What must not be in the error, plain, in base64 or URL-encoded.
 */
export async function failureOf(
  promise: Promise<unknown>,
  secrets: readonly string[] = [],
): Promise<GatewayError> {
  const error = await promise.then(() => undefined, (error: unknown) => error);
  assert(error instanceof GatewayError, `no GatewayError: ${error}`);
  assert.equal(error.server, "main");
  const told = `${error.message}\n${error.troubleshooting.join("\n")}\n${Deno.inspect(error)}`;
  for (const secret of secrets) {
    for (const form of [secret, btoa(secret), encodeURIComponent(secret)]) {
      assert(!told.includes(form), `the error tells ${form}`);
    }
  }
  return error;
}
