/**
 * `TokenHeaders` beyond the token request: an API gateway in front of a provider wants its key for the
 * discovery document and the key set, too. Only the token endpoint's own origin gets them.
 */
import type { ClientCredentials } from "../../config/schemes/oauth2/token_request.ts";
import { revealHeaders } from "../../config/values/header_values.ts";
import type { OriginHeaders } from "../provider_exchange.ts";

/** Undefined without such headers, and if the token endpoint may be discovered at several hosts. */
export function originHeaders(
  { tokenEndpoint, tokenHeaders = {} }: Pick<ClientCredentials, "tokenEndpoint" | "tokenHeaders">,
): OriginHeaders | undefined {
  const headers = revealHeaders(tokenHeaders);
  if (Object.keys(headers).length === 0) return undefined;
  if (typeof tokenEndpoint === "string") return { origin: new URL(tokenEndpoint).origin, headers };
  const { url, allowedHosts } = tokenEndpoint;
  // What the document names decides nothing: the key would have been sent before it is known.
  return allowedHosts.length === 1 ? { origin: new URL(url).origin, headers } : undefined;
}
