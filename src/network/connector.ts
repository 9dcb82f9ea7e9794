/**
 * The clients of a host: the runtime's `fetch` for requests with a body, the gateway's own for those
 * without, and `fetch` for reading over HTTP/2. A server ends an HTTP/2 connection at any time (GOAWAY),
 * which would fail the uploads on it: a body that was streamed cannot be sent again.
 */
import { encodeBase64 } from "@oslojs/encoding";
import { KEEP_ALIVE_SECONDS } from "../config/keys/resilience.ts";
import { hostAndPort } from "../config/values/host_names.ts";
import { Http1Client, type Http1ClientOptions } from "./http1/http1_client.ts";

import type { UsedProxy } from "./network_error.ts";

export interface ConnectorOptions {
  /** PEM certificates trusted besides those of the system. */
  readonly caCertificatesPem?: readonly string[];
  /** PEM client certificate and key (mutual TLS). */
  readonly clientCertificate?: { readonly certificatePem: string; readonly keyPem: string };
  /** The egress proxy. */
  readonly proxy?: {
    readonly url: string;
    readonly username?: string;
    readonly password?: string;
  } | undefined;
  /** Use HTTP/2 for GET and HEAD where the server supports it. */
  readonly http2?: boolean;
  /** How long an idle connection is kept. */
  readonly keepAliveMs?: number;
  /** For the connections without a body. */
  readonly clock?: Http1ClientOptions["clock"];
}

export interface Connector {
  /** For requests with a body, over HTTP/1.1. */
  readonly client: Deno.HttpClient;
  /** For requests without a body, over HTTP/1.1. */
  readonly bodiless: Http1Client;
  /** Undefined if connections are direct. */
  readonly proxy: UsedProxy | undefined;
  /** For GET and HEAD. */
  readonly http2:
    | {
      readonly client: Deno.HttpClient;
      /** By origin. */
      readonly isSupported: Map<string, Promise<boolean>>;
    }
    | undefined;
}

/** Idle connections kept for each origin. */
const MAX_IDLE = 64;

/**
 * Longest idle time of a connection for a request with a body, which cannot be repeated: a firewall may
 * have forgotten it without a word, or the server may close it at that moment.
 */
const UPLOAD_KEEP_ALIVE_MS = 2_000;

/** Creates the pools, without opening a connection. */
export function createConnector(
  {
    caCertificatesPem = [],
    clientCertificate,
    proxy,
    http2 = false,
    keepAliveMs = 1000 * KEEP_ALIVE_SECONDS,
    clock,
  }: ConnectorOptions,
): Connector {
  const login = proxy?.username === undefined
    ? undefined
    : { username: proxy.username, password: proxy.password ?? "" };
  const createClient = (options: Pick<Deno.CreateHttpClientOptions, "http2" | "poolIdleTimeout">) =>
    Deno.createHttpClient({
      ...options,
      caCerts: [...caCertificatesPem],
      http1: true,
      poolMaxIdlePerHost: MAX_IDLE,
      ...(clientCertificate &&
        { cert: clientCertificate.certificatePem, key: clientCertificate.keyPem }),
      ...(proxy && { proxy: { url: proxy.url, ...(login && { basicAuth: login }) } }),
    });
  return {
    proxy: proxy && { host: hostAndPort(proxy.url), hasLogin: login !== undefined },
    http2: http2
      ? {
        client: createClient({ http2: true, poolIdleTimeout: keepAliveMs }),
        isSupported: new Map(),
      }
      : undefined,
    client: createClient({
      http2: false,
      poolIdleTimeout: Math.min(keepAliveMs, UPLOAD_KEEP_ALIVE_MS),
    }),
    bodiless: new Http1Client({
      caCertificatesPem,
      clientCertificate,
      maxIdlePerOrigin: MAX_IDLE,
      keepAliveMs,
      clock,
      proxy: proxy && {
        url: new URL(proxy.url),
        authorization: login && basicCredentials(login),
      },
    }),
  };
}

/** RFC 7617, in UTF-8 as the runtime writes it. */
export function basicCredentials(
  { username, password }: { readonly username: string; readonly password: string },
): string {
  return `Basic ${encodeBase64(new TextEncoder().encode(`${username}:${password}`))}`;
}
