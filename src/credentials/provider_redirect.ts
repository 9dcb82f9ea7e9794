/**
 * Explains a redirect of an identity provider, which the gateway does not follow. Nobody should: the
 * usual causes are login pages, captive portals and web filters, which must not get the credential.
 */
import type { GatewayError } from "../errors/gateway_error.ts";
import { redirectOrigin } from "../network/redirect_origin.ts";
import { cannotFetch, type ProviderAnswer } from "./provider_exchange.ts";
import { quoteProvider } from "./provider_text.ts";

const MAX_QUOTED_ORIGIN = 100;

/**
 * The error of a redirect: NET-004. Of its target it contains only scheme, host and port: path and query
 * may repeat the request.
 *
 * @param state The sentence up to the status.
 */
export function redirectError(
  { headers }: Pick<ProviderAnswer, "headers">,
  { server, state, url, secrets }: {
    readonly server: string;
    readonly state: string;
    /** That was requested. */
    readonly url: string;
    readonly secrets: readonly string[];
  },
): GatewayError {
  const from = URL.parse(url);
  const location = headers.get("location");
  const target = location === null ? null : URL.parse(location, url);
  const isOwn = target !== null && from !== null && target.hostname === from.hostname &&
    (target.protocol === "https:" || target.protocol === from.protocol);
  const origin = redirectOrigin(location, url);
  const named = origin === undefined
    ? ""
    : ` to ${quoteProvider(origin, MAX_QUOTED_ORIGIN, secrets)}`;
  return cannotFetch("NET-004", server, `${state}, a redirect${named}`, {
    troubleshooting: [
      isOwn
        ? "Correct scheme, port and path of the configured URL: it redirects within its own host"
        : "Do not configure the redirect's target: it would get the credential. It is usually a login " +
          "page, a captive portal or a web filter; let its operator exempt the configured URL",
    ],
  });
}
