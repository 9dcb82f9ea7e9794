/**
 * A store whose origin is a function of the test.
 */
import { roomInMemory, someMemory } from "../fixtures/holding_room.ts";
import assert from "node:assert/strict";
import type { ServerConfig } from "../../src/config/keys/server.ts";
import type { StoreResilienceConfig } from "../../src/config/keys/store_resilience.ts";
import type { Authorizer } from "../../src/credentials/authorizer.ts";
import { type Profile, profiles } from "../../src/dicomweb/profile/profile.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { HttpClient } from "../../src/network/http_client.ts";
import { Deadlines } from "../../src/upstream/deadlines.ts";
import type { Metrics } from "../../src/telemetry/metrics.ts";
import type { AnswerMemory } from "../../src/upstream/read_ahead/answer_memory.ts";
import { Store } from "../../src/upstream/store.ts";
import { CountingAuthorizer } from "../fixtures/counting_authorizer.ts";
import { NEVER_RETRY, parsedServer } from "../fixtures/parsed_server.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

const SERVER = await parsedServer({
  Timeouts: { HeadersSeconds: 5, TransferSeconds: 5, TokenSeconds: 5 },
  ResilienceConfig: { RetryMaxAttempts: 1 },
});

export async function withStore(
  answer: (seen: Seen, count: number) => Response | Promise<Response>,
  use: (store: Store, seen: Seen[]) => Promise<void>,
  options: {
    readonly authorizer?: Authorizer;
    readonly timeouts?: Partial<ServerConfig["timeouts"]>;
    readonly now?: () => number;
    readonly deadlines?: Deadlines;
    readonly compression?: boolean;
    readonly profile?: Profile;
    readonly storeResilience?: Partial<StoreResilienceConfig>;
    readonly metrics?: Metrics;
    readonly logger?: MemoryLogger;
    readonly config?: Partial<ServerConfig>;
    readonly answers?: AnswerMemory | undefined;
    readonly wadoUriPath?: string;
    /** Replaces the origin. */
    readonly send?: HttpClient["send"];
  } = {},
): Promise<void> {
  const seen: Seen[] = [];
  const origin = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const one = {
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: await request.text(),
      };
      seen.push(one);
      return await answer(one, seen.length);
    },
  );
  const url = `http://127.0.0.1:${origin.addr.port}/dicom-web`;
  const http = new HttpClient({ allowlist: new Set([hostAndPort(url)]) });
  if (options.send !== undefined) http.send = options.send;
  const config: ServerConfig = {
    ...SERVER,
    url,
    profile: options.profile ?? profiles.generic,
    compression: options.compression ?? true,
    timeouts: { ...SERVER.timeouts, ...options.timeouts },
    storeResilience: { ...NEVER_RETRY, ...options.storeResilience },
    wadoUri: options.wadoUriPath && new URL(options.wadoUriPath, url).href,
    ...options.config,
  };
  try {
    await use(
      new Store({
        config,
        authorizer: options.authorizer ?? new CountingAuthorizer(),
        http,
        deadlines: options.deadlines ?? new Deadlines(),
        room: roomInMemory(),
        readAhead: someMemory(),
        answers: options.answers,
        logger: options.logger ?? new MemoryLogger(),
        userAgent: "dicomweb-gateway/test",
        ...(options.metrics && { metrics: options.metrics }),
      }),
      seen,
    );
  } finally {
    http.close();
    await origin.shutdown();
  }
}

/** Sends a client's request. */
export function forward(
  store: Store,
  target: string,
  init: RequestInit = {},
  completed: Promise<void> = Promise.resolve(),
): Promise<Response> {
  const request = new Request(`http://gateway${target}`, init);
  if (request.body !== null && !request.headers.has("content-length")) {
    request.headers.set("transfer-encoding", "chunked");
  }
  return store.forward({
    request,
    target,
    transaction: classify(init.method ?? "GET", target),
    requestId: "request-1",
    publicUrl: undefined,
    completed,
  });
}

export async function failure(promise: Promise<Response>): Promise<GatewayError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "it did not fail" });
}
