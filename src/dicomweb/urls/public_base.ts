/**
 * Finds the URL by which a client reaches the gateway, from the configuration or from what the
 * request says. Only a trusted proxy is believed about what was asked of it: anyone can send
 * `X-Forwarded-Host`, and URLs with that host would lead the client, and its credential, there.
 *
 * @module
 */
import { forwardedParameters } from "./forwarded.ts";
import { listItems } from "../media_type/media_type.ts";
import { withoutTrailing } from "../without_trailing.ts";

/** What is known of a request. */
export interface PublicBaseOptions {
  /** The URL of the configuration, where there is one. It settles the matter. */
  readonly publicUrl: string | undefined;
  /** The request's URL, with the host of its `Host` header. */
  readonly requestUrl: string;
  /** The request's headers. */
  readonly headers: Headers;
  /** Whether the request comes from a proxy whose forwarding headers may be believed. */
  readonly trusted: boolean;
}

/** A host name, an IPv4 address or an IPv6 address in brackets, and a port (RFC 3986, section 3.2). */
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;
const PORT = /^[0-9]{1,5}$/;
/** A path without dot segments, empty segments and percent-encoding. */
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/;

/**
 * The base URL of the gateway as the client sees it.
 *
 * Of forwarding headers that list several values, the last one counts, which is what
 * the proxy itself has added; those before it may be the client's. `Forwarded` (RFC 7239) goes
 * before `X-Forwarded-*`; a value that is no host, scheme or path is as good as none.
 *
 * @returns The URL without a trailing slash, or nothing where the request names no proper host.
 *
 * @example
 * ```ts
 * import { publicBase } from "./public_base.ts";
 * import assert from "node:assert/strict";
 *
 * const request = {
 *   publicUrl: undefined,
 *   requestUrl: "http://10.0.0.7:8043/dicom-web/main/studies",
 *   headers: new Headers({ "X-Forwarded-Host": "pacs.example", "X-Forwarded-Proto": "https" }),
 * };
 * assert.equal(publicBase({ ...request, trusted: true }), "https://pacs.example");
 * assert.equal(publicBase({ ...request, trusted: false }), "http://10.0.0.7:8043");
 * ```
 */
export function publicBase(options: PublicBaseOptions): string | undefined {
  const { publicUrl, requestUrl, headers, trusted } = options;
  if (publicUrl !== undefined) return withoutTrailing(publicUrl, "/");
  const request = URL.parse(requestUrl);
  if (request === null) return undefined;
  const own = { scheme: request.protocol.slice(0, -1), host: request.host };
  if (!trusted) return baseOf(own);
  const forwarded = forwardedParameters(lastItem(headers.get("forwarded")) ?? "");
  const forwardedHost = ifMatches(HOST, forwarded.get("host"));
  const scheme = ifMatches(/^https?$/i, forwarded.get("proto")) ??
    ifMatches(/^https?$/i, lastItem(headers.get("x-forwarded-proto"))) ?? own.scheme;
  const host = forwardedHost ?? hostOfProxy(headers) ?? own.host;
  const prefix = ifMatches(PREFIX, lastItem(headers.get("x-forwarded-prefix"))?.replace(/\/$/, ""));
  return baseOf({ scheme, host }, prefix);
}

function baseOf(own: { scheme: string; host: string }, prefix: string = ""): string | undefined {
  if (!HOST.test(own.host)) return undefined;
  const url = URL.parse(`${own.scheme}://${own.host}`);
  return url === null ? undefined : url.origin + prefix;
}

/** `X-Forwarded-Host`, with the port of its own header where it has none. */
function hostOfProxy(headers: Headers): string | undefined {
  const host = ifMatches(HOST, lastItem(headers.get("x-forwarded-host")));
  const port = ifMatches(PORT, lastItem(headers.get("x-forwarded-port")));
  return host === undefined || port === undefined || /:\d+$/.test(host) ? host : `${host}:${port}`;
}

function ifMatches(pattern: RegExp, value: string | undefined): string | undefined {
  return value !== undefined && pattern.test(value) ? value : undefined;
}

function lastItem(list: string | null): string | undefined {
  return list === null ? undefined : listItems(list).at(-1)?.trim();
}
