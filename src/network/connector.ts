/**
 * The two clients of a host: the runtime's `fetch` for requests with a body, the gateway's own for those
 * without.
 */
import { encodeBase64 } from "@oslojs/encoding";
import { hostAndPort } from "../config/values/host_names.ts";
import { Http1Client } from "./http1/http1_client.ts";

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
  /** Use HTTP/2 where the server supports it. */
  readonly http2?: boolean;
}

export interface Connector {
  /** For requests with a body. */
  readonly client: Deno.HttpClient;
  /** For requests without a body. */
  readonly bodiless: Http1Client;
  /** Undefined if connections are direct. */
  readonly proxy: UsedProxy | undefined;
  /** Whether an origin supports HTTP/2. */
  readonly http2: Map<string, Promise<boolean>>;
}

/** Idle connections kept for each origin. */
const MAX_IDLE = 64;

/** Creates the pools, without opening a connection. */
export function createConnector(
  { caCertificatesPem = [], clientCertificate, proxy, http2 = false }: ConnectorOptions,
): Connector {
  const login = proxy?.username === undefined
    ? undefined
    : { username: proxy.username, password: proxy.password ?? "" };
  return {
    http2: new Map(),
    proxy: proxy && { host: hostAndPort(proxy.url), hasLogin: login !== undefined },
    client: Deno.createHttpClient({
      caCerts: [...caCertificatesPem],
      http1: true,
      http2,
      poolMaxIdlePerHost: MAX_IDLE,
      ...(clientCertificate &&
        { cert: clientCertificate.certificatePem, key: clientCertificate.keyPem }),
      ...(proxy && { proxy: { url: proxy.url, ...(login && { basicAuth: login }) } }),
    }),
    bodiless: new Http1Client({
      caCertificatesPem,
      clientCertificate,
      maxIdlePerOrigin: MAX_IDLE,
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
