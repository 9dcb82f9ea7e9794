/**
 * Determines the URL by which a client reaches the gateway, from the configuration or the request.
 * Forwarding headers count only from a trusted proxy: anyone can send `X-Forwarded-Host`, and URLs
 * with that host would lead the client, and its credential, there.
 */
import { forwardedParameters } from "./forwarded.ts";
import { listItems } from "../media_type/media_type.ts";
import { withoutTrailing } from "../without_trailing.ts";

export interface PublicBaseOptions {
  /** `PublicUrl` of the configuration, which takes precedence. */
  readonly publicUrl: string | undefined;
  /** With the host of the `Host` header. */
  readonly requestUrl: string;
  readonly headers: Headers;
  /** Whether the request comes from a trusted proxy. */
  readonly trusted: boolean;
}

/** A host name, IPv4 address or IPv6 address in brackets, and a port (RFC 3986, section 3.2). */
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;
const PORT = /^[0-9]{1,5}$/;
/** A path without dot segments, empty segments and percent-encoding. */
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/;

/**
 * The base URL of the gateway as the client sees it, without a trailing slash; undefined if the
 * request has no valid host.
 *
 * Of several values in a forwarding header the last one counts, which the proxy itself has added;
 * those before it may be the client's. `Forwarded` (RFC 7239) takes precedence over
 * `X-Forwarded-*`; invalid hosts, schemes and paths are ignored.
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

/** `X-Forwarded-Host`, with the port of `X-Forwarded-Port` if it has none. */
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
