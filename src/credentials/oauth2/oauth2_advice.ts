/**
 * What to do about refusals of any provider, according to the standards. Providers' own rows come first.
 */
import { type Advice, rowsOf } from "../advice.ts";

const smart = rowsOf("smart", "SMART");
const oauth2 = rowsOf(undefined, "OAuth2");
const inFront = rowsOf(undefined, "In front of the provider");

const GRANT =
  "switch on the client credentials grant of the client at the provider; a client made " +
  "for people who sign in does not have it";

/**
 * Sources: RFC 6749, section 5.2; oidc-provider, which conceals why it refuses a grant; RFC 9449, section 5; SMART App Launch, Backend Services. The pages and
 * messages of what answers in front of a token endpoint: learn.microsoft.com, "Subscriptions in Azure API
 * Management"; developer.konghq.com, plugin Key Authentication; my.f5.com, K5903 (block page); Squid's
 * ERR_ACCESS_DENIED.
 */
export const oauth2Advice: readonly Advice[] = [
  smart(
    { error: "invalid_client" },
    "register the public key with the server: as the JWK Set URL " +
      "https://{gateway}/.well-known/jwks.json, or its content",
    "compare ClientId and KeyId with the registration, and the clocks: an assertion is good for " +
      "minutes",
  ),
  smart(
    { error: "invalid_scope" },
    "ask for scopes that were registered for this client, such as system/ImagingStudy.rs: a " +
      "backend service has system scopes only",
  ),
  oauth2(
    { error: "invalid_dpop_proof", code: "AUTH-001" },
    "the provider wants tokens that are bound to a key: set DPoP to true; where it is, compare " +
      "the clocks",
  ),
  oauth2(
    { error: "invalid_grant", text: /^grant request is invalid/, code: "TOK-001" },
    "the client may be registered for tokens that are bound to a key (set DPoP to true) or to a " +
      "certificate (set ClientCertificate): compare its registration",
  ),
  oauth2(
    { error: "unsupported_grant_type" },
    "switch on the client credentials grant of the client at the provider, and check that " +
      "TokenEndpoint is the token endpoint",
  ),
  oauth2({ error: "unauthorized_client" }, GRANT),
  oauth2({ text: /grant[ _]type (?:is )?not (?:allowed|enabled|permitted)/i }, GRANT),
  inFront(
    { text: /subscription key|API key/i, code: "TOK-001" },
    "an API gateway requires a key of its own, whatever ClientId and ClientSecret are: give it in " +
      "TokenHeaders, under the header name that its operator states",
  ),
  inFront(
    { text: /^Request Rejected|support ID is/i },
    "a web application firewall rejected the request: give its operator the support ID of the message",
  ),
  inFront(
    { text: /requested URL could not be retrieved/i, code: "TOK-001" },
    "an HTTP proxy answered: let its operator permit the gateway's requests to TokenEndpoint",
  ),
];
