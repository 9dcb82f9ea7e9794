/**
 * Where a redirect of a store leads: only within its base URL or an alias of it, as the credential is sent
 * there, too, and only for requests that can be repeated.
 */
import type { ServerConfig } from "../config/keys/server.ts";
import { findTargetFault } from "../dicomweb/transaction/store_path.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { redirectOrigin } from "../network/redirect_origin.ts";

const MAX_REDIRECTS = 5;

/** The response that redirects. */
export interface RedirectSource {
  /** Of the request that it answers. */
  readonly url: string;
  readonly status: number;
  /** How many redirects have been followed. */
  readonly redirects: number;
}

/** What is known of the redirected request. */
interface RedirectedRequest {
  readonly method: string;
  readonly body: unknown;
  readonly kept?: unknown;
}

/**
 * The URL of a redirect, if the request and its credential may be sent there.
 *
 * @throws {GatewayError} NET-004 if not.
 */
export function redirectTarget(
  location: string,
  { url: from, status, redirects }: RedirectSource,
  { method, body, kept }: RedirectedRequest,
  { name, url: base, aliases }: Pick<ServerConfig, "name" | "url" | "aliases">,
): string {
  const refuse = (why: string) =>
    new GatewayError(
      "NET-004",
      `Cannot follow the redirect (${status}) of server "${name}": ${why}`,
      { server: name },
    );
  if (!URL.canParse(location, from)) throw refuse("its Location is not a URL");
  const target = new URL(location, from);
  // A fragment is not sent (RFC 9110, section 10.2.2).
  target.hash = "";
  const href = withoutAlias(target.href, base, aliases);
  if (!href.startsWith(`${base}/`) || findTargetFault(href.slice(base.length)) !== undefined) {
    const origin = redirectOrigin(location, from);
    const where = origin === undefined
      ? "it leads outside"
      : origin === new URL(from).origin
      ? `it leads to another path of ${origin}, outside`
      : `it leads to ${origin}, outside`;
    throw refuse(`${where} the base URL`);
  }
  if (body !== null || kept !== undefined || (method !== "GET" && method !== "HEAD")) {
    throw refuse("this request cannot be repeated");
  }
  if (redirects === MAX_REDIRECTS) throw refuse("too many redirects");
  return href;
}

/** A URL below an alias, which may be another host, as one below the base URL. */
function withoutAlias(href: string, base: string, aliases: readonly string[]): string {
  const alias = aliases.find((alias) => href.startsWith(`${alias}/`));
  return alias === undefined || href.startsWith(`${base}/`)
    ? href
    : base + href.slice(alias.length);
}
