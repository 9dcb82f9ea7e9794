/**
 * Which headers go through the gateway. What belongs to one connection stays on it (RFC 9110,
 * section 7.6.1), and so do the client's own credentials and what proxies said about it.
 *
 * @module
 */

/** Headers that belong to one connection, and those by which a proxy would lie about a body. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
] as const;

/** Request headers that stop at the gateway besides the hop-by-hop ones. */
const NOT_FOR_THE_STORE = [
  "authorization",
  "cookie",
  "expect",
  "host",
  // The runtime asks for codings of its own and decodes the answer, or for none beside a Range.
  "accept-encoding",
  "forwarded",
  "via",
  // What metadata services want to see, so that no one is led to them who was not meant to be: a name
  // of a store that resolves to their address must not open them to clients.
  "metadata",
  "metadata-flavor",
  "x-aws-ec2-metadata-token",
  "x-aws-ec2-metadata-token-ttl-seconds",
  "x-google-metadata-request",
  "x-identity-header",
  // Some servers take the method from here: what is permitted as POST could delete.
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-proto",
  "x-forwarded-server",
  "x-real-ip",
] as const;

/**
 * What a store says to browsers: it does not know which pages may use the gateway, and a store open to
 * every page would open the gateway, with its credential, to every page.
 */
const CORS = [
  "access-control-allow-credentials",
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
  "access-control-expose-headers",
  "access-control-max-age",
] as const;

/** Named by `Connection`, these are still not removed: without them the body's length is lost. */
const NEVER_NOMINATED = new Set(["content-length", "content-type", "host"]);

const STOPPED_REQUEST: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...NOT_FOR_THE_STORE]);
const STOPPED_RESPONSE: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...CORS]);

/**
 * The headers of a client's request that the store shall see.
 *
 * @param inbound The client's headers; not changed.
 * @param credentialHeader A further header by which clients show the gateway who they are.
 * @returns New headers.
 */
export function requestHeaders(inbound: Headers, credentialHeader?: string): Headers {
  const headers = without(STOPPED_REQUEST, inbound);
  if (credentialHeader !== undefined) headers.delete(credentialHeader);
  return headers;
}

/**
 * The headers of a store's answer that the client shall see.
 *
 * @param upstream The store's headers; not changed.
 * @returns New headers.
 */
export function responseHeaders(upstream: Headers): Headers {
  return without(STOPPED_RESPONSE, upstream);
}

/** Copies what may pass. To go through `Headers` by an iterator costs six times as much. */
function without(stopped: ReadonlySet<string>, source: Headers): Headers {
  const headers = new Headers();
  let nominated: string | undefined;
  source.forEach((value, name) => {
    if (!stopped.has(name)) headers.append(name, value);
    else if (name === "connection") nominated = value;
  });
  if (nominated === undefined) return headers;
  for (const item of (nominated as string).split(",")) {
    const name = item.trim().toLowerCase();
    if (/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && !NEVER_NOMINATED.has(name)) {
      headers.delete(name);
    }
  }
  return headers;
}
