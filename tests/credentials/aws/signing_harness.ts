/**
 * Sends requests through a whole store, signed for AWS, to an origin that records what arrives and may
 * verify the signatures as AWS does.
 */
import { roomInMemory, someMemory } from "../../fixtures/holding_room.ts";
import type { AwsCredentials } from "../../../src/config/schemes/aws/aws.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { classify } from "../../../src/dicomweb/transaction/transaction.ts";
import type { Authorizer } from "../../../src/credentials/authorizer.ts";
import { type Clock, systemClock } from "../../../src/network/clock.ts";
import { createAuthorizer } from "../../../src/credentials/create_authorizer.ts";
import { createTokenStore } from "../../../src/credentials/cache/create_token_store.ts";
import { hostAndPort } from "../../../src/config/values/host_names.ts";
import { HttpClient } from "../../../src/network/http_client.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { Deadlines } from "../../../src/upstream/deadlines.ts";
import { Store } from "../../../src/upstream/store.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { untilClosed } from "../../fixtures/open_files.ts";
import type { ArrivedRequest } from "../../fixtures/sig_v4_verifier.ts";
import { serverConfig } from "../../fixtures/token_worker.ts";
import { STORED_REPORT } from "../../fixtures/stow_request.ts";

/** The configured access key. */
export const ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE";
/** Its secret. */
export const SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/** A request to the store. */
export interface Sending {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit | null;
  readonly signal?: AbortSignal;
}

/** The store and its surroundings. */
export interface SigningParts {
  readonly arrived: ArrivedRequest[];
  readonly logger: MemoryLogger;
  readonly authorizer: Authorizer;
  /** The state directory, where bodies are kept. */
  readonly directory: string;
  /** Sends a request to the store and reads its response. */
  send(target: string, sending?: Sending): Promise<Response>;
}

/** How the store is configured and answers. */
export interface SigningOptions {
  readonly credentials?: Partial<AwsCredentials>;
  readonly clock?: Clock;
  /** Answers in place of 200; the number of the request counts from 1. */
  readonly answer?: (request: ArrivedRequest, count: number) => Response | Promise<Response>;
  /** The store is unreachable. */
  readonly isAway?: boolean;
  /** Further URLs that may be contacted. */
  readonly urls?: readonly string[];
}

/** Runs a test with a signing store. */
export async function withSigning(
  options: SigningOptions,
  test: (parts: SigningParts) => Promise<void>,
): Promise<void> {
  const { clock = systemClock, answer = () => new Response(STORED_REPORT) } = options;
  const arrived: ArrivedRequest[] = [];
  const stop = new AbortController();
  const origin = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen: () => {} },
    async (request) => {
      const { method, url, headers } = request;
      const one = { method, url, headers, body: await request.bytes() };
      arrived.push(one);
      return await answer(one, arrived.length);
    },
  );
  const url = `http://127.0.0.1:${origin.addr.port}/datastore/0123456789abcdef`;
  const directory = await Deno.makeTempDir({ prefix: "signing-test-" });
  const metrics = createMetrics();
  const logger = new MemoryLogger();
  const http = new HttpClient({
    allowlist: new Set([url, ...options.urls ?? []].map((url) => hostAndPort(url))),
  });
  const collaborators = { stateDirectory: directory, metrics, logger, clock };
  const store = createTokenStore({ backend: "memory" }, collaborators);
  const config = {
    ...serverConfig({ tokenEndpoint: "https://idp.test/token" }),
    name: "main",
    url,
    credentials: credentials(options.credentials),
  };
  const authorizer = createAuthorizer(config, {
    ...collaborators,
    security: collaborators.logger,
    http,
    store,
  });
  const forwarder = new Store({
    config,
    authorizer,
    http,
    deadlines: new Deadlines(),
    room: roomInMemory(),
    readAhead: someMemory(),
    logger,
    userAgent: "dicomweb-gateway/test",
  });
  try {
    if (options.isAway) {
      stop.abort();
      await origin.finished;
    }
    await test({
      arrived,
      logger,
      authorizer,
      directory,
      async send(target, { method = "GET", headers = {}, body = null, signal } = {}) {
        const completed = Promise.withResolvers<void>();
        try {
          const response = await forwarder.forward({
            request: new Request("http://gateway/", {
              method,
              headers: overHttp1(headers, body),
              body,
              ...(signal && { signal }),
            }),
            target,
            transaction: classify(method, target),
            requestId: "request-1",
            publicUrl: undefined,
            completed: completed.promise,
          });
          const text = await response.text();
          return new Response(text === "" ? null : text, response);
        } finally {
          completed.resolve();
        }
      },
    });
  } finally {
    await authorizer.close();
    await store.close();
    http.close();
    stop.abort();
    await origin.finished;
    await untilClosed(directory);
    await Deno.remove(directory, { recursive: true });
  }
}

function credentials(changes: Partial<AwsCredentials> = {}): AwsCredentials {
  return {
    kind: "aws",
    region: "eu-west-1",
    service: "medical-imaging",
    keys: {
      from: "configuration",
      accessKeyId: ACCESS_KEY_ID,
      secretAccessKey: new Secret(SECRET_ACCESS_KEY),
      sessionToken: undefined,
    },
    role: undefined,
    sts: { url: "https://sts.eu-west-1.amazonaws.com/", region: "eu-west-1" },
    payloadSigning: "sha256",
    refreshBufferMs: 300_000,
    ...changes,
  };
}

/** Adds the headers of HTTP/1.1, by which the gateway recognises a body. */
function overHttp1(headers: HeadersInit, body: BodyInit | null): Headers {
  const sent = new Headers(headers);
  sent.set("host", "gateway");
  if (body !== null && !sent.has("content-length")) sent.set("transfer-encoding", "chunked");
  return sent;
}
