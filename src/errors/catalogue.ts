/**
 * The catalogue of everything the gateway can fail with: the codes of the plugin it replaces, with
 * the same meaning, and new ones that continue their numbers. `docs/error-codes.md` is made from it.
 */

/** The plugin's categories. */
export type ErrorCategory =
  | "CONFIGURATION"
  | "AUTHENTICATION"
  | "NETWORK"
  | "AUTHORIZATION"
  | "INTERNAL";

/** The plugin's severities. */
export type ErrorSeverity = "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** One kind of failure. */
export interface ErrorEntry {
  /** A short name of the failure. */
  readonly title: string;
  /** The family it belongs to. */
  readonly category: ErrorCategory;
  /** How bad it is. */
  readonly severity: ErrorSeverity;
  /** The HTTP status of the gateway's answer when a request fails this way. */
  readonly status: number;
  /** What happened, in a sentence or two. */
  readonly description: string;
  /** What to do, the likeliest remedy first. */
  readonly troubleshooting: readonly string[];
  /** Sent as `Retry-After` where the failure itself names no time. */
  readonly retryAfterSeconds?: number | undefined;
}

function entry(
  category: ErrorCategory,
  severity: ErrorSeverity,
  status: number,
  title: string,
  description: string,
  troubleshooting: readonly string[],
  retryAfterSeconds?: number,
): ErrorEntry {
  return {
    title,
    category,
    severity,
    status,
    description,
    troubleshooting,
    retryAfterSeconds,
  };
}

/** Every code with what it means. */
export const catalogue = {
  "CFG-001": entry(
    "CONFIGURATION",
    "ERROR",
    500,
    "Configuration key missing",
    "A required key is missing, or no configuration file was found.",
    [
      "Add the key that the message names, at the path that it names",
      "Run the `check` command: it lists every problem of the file at once",
    ],
  ),
  "CFG-002": entry(
    "CONFIGURATION",
    "ERROR",
    500,
    "Configuration value invalid",
    "A key has a value of the wrong type or outside its range, is unknown, or the file is not JSON.",
    [
      "Correct the value at the key path that the message names",
      "URLs start with https:// or http://; numbers and booleans are written without quotes",
      "Run the `check` command: it lists every problem of the file at once",
    ],
  ),
  "CFG-003": entry(
    "CONFIGURATION",
    "ERROR",
    500,
    "Variable not set",
    "The configuration references an environment variable or a secret file that does not exist.",
    [
      "Set the variable that the message names in the environment of the gateway",
      "Give a default with ${NAME:-default} where an empty value is acceptable",
      "For ${file:PATH}, check that the file exists and that the gateway's user may read it",
    ],
  ),
  "TOK-001": entry(
    "AUTHENTICATION",
    "ERROR",
    502,
    "Token acquisition failed",
    "The identity provider rejected the token request. The gateway's client did nothing wrong.",
    [
      "Read the provider's own words in the message, and look them up in docs/providers.md or in the " +
      "provider's documentation",
      "Check TokenEndpoint, ClientId, ClientSecret and Scope of this server",
      "Try again with POST /dicomweb-oauth/servers/{name}/test",
    ],
  ),
  "TOK-002": entry(
    "AUTHENTICATION",
    "WARNING",
    502,
    "Token expired",
    "The store rejected the token. The gateway discarded it; the next request uses a new one.",
    [
      "Retry the request: an Orthanc job is resubmitted with POST /jobs/{id}/resubmit",
      "If it happens again, check that the store accepts tokens of this issuer, audience and scope",
      "Compare the clocks of the gateway, the identity provider and the store",
    ],
  ),
  "TOK-003": entry(
    "AUTHENTICATION",
    "INFO",
    200,
    "Token refresh recommended",
    "The token is near its expiry and is being renewed in the background.",
    ["Nothing to do"],
  ),
  "TOK-004": entry(
    "AUTHENTICATION",
    "ERROR",
    502,
    "Token validation failed",
    "The identity provider issued a token that failed validation. It was discarded.",
    [
      "Compare JWTIssuer, JWTAudience and JWTAlgorithms of this server with the token's claims",
      "Check that JWTPublicKey is the key the provider signs with today",
      "Treat an unexplained failure as a security event: the response may not come from your provider",
    ],
  ),
  "TOK-005": entry(
    "AUTHENTICATION",
    "ERROR",
    502,
    "Token response invalid",
    "The token endpoint did not return an OAuth2 token response (RFC 6749, section 5.1).",
    [
      "Check that TokenEndpoint, if it is set, is the token endpoint, not a login page or an issuer URL",
      "Look for a proxy that answers in place of the provider",
    ],
  ),
  "TOK-006": entry(
    "AUTHENTICATION",
    "ERROR",
    502,
    "Token refresh failed",
    "The token could not be renewed in the background. The gateway uses the current one until it expires.",
    [
      "Check that the identity provider can be reached from the gateway",
      "Check that the client's secret or certificate has not expired",
    ],
  ),
  "TOK-007": entry(
    "AUTHENTICATION",
    "WARNING",
    429,
    "Token revoked recently",
    "The cached token of this server was revoked a moment ago. Replicas that share the cache discard it " +
      "within seconds; revoking it more often would only load the identity provider.",
    ["Wait as long as Retry-After says, and revoke the token again if that is still needed"],
  ),
  "NET-001": entry(
    "NETWORK",
    "ERROR",
    504,
    "Timeout",
    "A connection, a response or a body took longer than its timeout.",
    [
      "Check the network between the gateway and the host that the message names",
      "If the host is known to be slow, raise the timeout that the message names; for an identity " +
      "provider it is Timeouts.TokenSeconds",
    ],
  ),
  "NET-002": entry(
    "NETWORK",
    "ERROR",
    502,
    "Connection failed",
    "The connection to the host failed, or was closed before a response arrived.",
    [
      "Check the host name and port in the configuration",
      "Check name resolution, routing and firewalls on the gateway host",
      "If the host speaks TLS, write https:// instead of http://",
      "If the host is only reachable through a proxy, set Proxy",
    ],
  ),
  "NET-003": entry(
    "NETWORK",
    "ERROR",
    502,
    "TLS failed",
    "The certificate of the host could not be verified, or the TLS handshake failed.",
    [
      "If the host uses a private certificate authority, set VerifySSL to the path of its PEM file",
      "Check that the certificate has not expired and names this host",
      "If the host speaks plain HTTP, write http:// instead of https://",
      "Check the clock of the gateway host",
      "If the host requires a client certificate, set ClientCertificate to one that it trusts",
    ],
  ),
  "NET-004": entry(
    "NETWORK",
    "ERROR",
    502,
    "Redirect refused",
    "The store or the identity provider returned a redirect. The gateway never forwards a credential to another host.",
    [
      "If the service redirects within its own host (to https://, or to a slash at the end), correct the configured URL",
      "Never configure another host only because a redirect names it: it would get the credential. Check for a login page, a captive portal or a web filter in front of the service",
    ],
  ),
  "NET-005": entry(
    "NETWORK",
    "WARNING",
    400,
    "Request refused",
    "The path, method, a header or the body of the request is not acceptable. The request did not reach the store, or not completely.",
    [
      "Send the path as PS3.18 defines it, without dot segments, encoded slashes or control characters",
      "For a path and query that are too long (414): request fewer UIDs or frames at once, or raise MaxTargetLength of the server",
    ],
  ),
  "NET-006": entry(
    "NETWORK",
    "WARNING",
    404,
    "No such server or path",
    "The path matches neither a configured server nor a page of the gateway.",
    [
      "Compare the name in the path with GET /dicomweb-oauth/servers",
      "DICOMweb is at /dicom-web/{server}/…",
    ],
  ),
  "NET-007": entry(
    "NETWORK",
    "WARNING",
    405,
    "Method not allowed",
    "This path does not support the method.",
    ["Use a method that the Allow header lists"],
  ),
  "NET-008": entry(
    "NETWORK",
    "CRITICAL",
    502,
    "Host not allowed",
    "A URL led to a host that is not on the allowlist. Nothing was sent there.",
    [
      "If the host belongs to your provider or store, name it in the configuration",
      "If it does not, treat this as a security event",
    ],
  ),
  "NET-009": entry(
    "NETWORK",
    "ERROR",
    502,
    "Unexpected response",
    "The store's response does not match the request: a success without a report of what was stored (a login page, an empty body), or before the upload was complete; or the gateway split the request and the responses cannot be merged.",
    [
      "Read the message: it says what the store returned",
      "Check that Url is the store's DICOMweb service, and that no login page or proxy answers in its place",
      "Check that Profile fits this store: its rules say how one request becomes several",
    ],
  ),
  "NET-010": entry(
    "NETWORK",
    "ERROR",
    503,
    "Store unavailable",
    "The circuit breaker is open: the store failed repeatedly, so requests are rejected without trying.",
    [
      "Retry after the time in Retry-After",
      "Look in the log for the failures before, and check the store itself",
      "StoreResilience of this server sets the number of failures and the duration",
    ],
  ),
  "NET-011": entry(
    "NETWORK",
    "WARNING",
    503,
    "Concurrency limit reached",
    "The number of concurrent requests to this store is at its limit, and the queue is full or the wait in it timed out.",
    [
      "Retry after the time in Retry-After, with fewer requests in parallel",
      "If the store can handle more, raise MaxConcurrentRequests in StoreResilience of this server",
    ],
  ),
  "NET-012": entry(
    "NETWORK",
    "WARNING",
    429,
    "Rate limit exceeded",
    "The client exceeded the configured number of requests per window.",
    [
      "Retry after the time in Retry-After, with fewer requests in parallel",
      "RateLimitRequests and RateLimitWindowSeconds set the limit, for the gateway or for one server",
      "If many clients connect through one proxy, add it to TrustedProxies",
    ],
  ),
  "AUTH-001": entry(
    "AUTHORIZATION",
    "ERROR",
    502,
    "Client credentials invalid",
    "The identity provider does not accept the client's identifier, secret, key or certificate.",
    [
      "Check ClientId and ClientSecret of this server, or the key or certificate used instead; it may " +
      "have expired",
      "Check that the provider expects the configured client authentication method",
      "Check that the client is not disabled at the provider",
      "Look up the provider's own words in docs/providers.md",
    ],
  ),
  "AUTH-002": entry(
    "AUTHORIZATION",
    "ERROR",
    502,
    "Scope insufficient",
    "The identity provider does not grant this client the configured scope, audience or resource.",
    [
      "Check Scope, Audience and Resource of this server",
      "Grant the client the permission for the DICOM service at the provider",
      "Look up the provider's own words in docs/providers.md",
    ],
  ),
  "AUTH-003": entry(
    "AUTHORIZATION",
    "CRITICAL",
    503,
    "Identity provider unavailable",
    "The identity provider is unreachable or returns server errors, and no valid token is cached.",
    [
      "Check the provider's status page and the network path to it",
      "If it cannot be reached, check the host in TokenEndpoint or Issuer for a typing error",
      "Requests recover automatically as soon as the provider answers",
    ],
    5,
  ),
  "AUTH-004": entry(
    "AUTHORIZATION",
    "WARNING",
    403,
    "Web page not allowed",
    "A web page of an origin that is not allowed tried to open a WebSocket through the gateway, " +
      "to change something, to send a preflight, or to embed a response (as script, image or frame).",
    ["If the page is one of your viewers, add its origin to Cors.AllowedOrigins"],
  ),
  "AUTH-005": entry(
    "AUTHORIZATION",
    "WARNING",
    401,
    "Not authenticated",
    "The request has no valid credential: the password, key or token is missing or wrong.",
    [
      "Configure the client with a user name and password, a key or a token that Authentication accepts",
      "In Orthanc these are Username and Password, or HttpHeaders, of the server in DicomWeb.Servers",
      "The message says why a token was rejected",
    ],
  ),
  "AUTH-006": entry(
    "AUTHORIZATION",
    "WARNING",
    429,
    "Too many failed attempts",
    "Too many attempts from this address or for this user failed; further ones are rejected unchecked for a while.",
    [
      "Retry after the time in Retry-After, with the right credential",
      "If many clients connect through one proxy, add it to TrustedProxies",
      "If nobody mistyped a password, treat this as a security event",
    ],
  ),
  "AUTH-007": entry(
    "AUTHORIZATION",
    "WARNING",
    403,
    "Permission denied",
    "The client is authenticated, but the configuration does not permit the request.",
    [
      "Add the transaction that the message names to an entry of Permissions for this client and server",
      "ReadOnly of the server rejects every request that could change something",
      "A token may lack a scope or role of RequiredScopes and RequiredRoles",
    ],
  ),
  "AUTH-008": entry(
    "AUTHORIZATION",
    "WARNING",
    421,
    "Unknown host name",
    "The request's host name is not one of the gateway's. Without Authentication the gateway accepts " +
      "only known names, which prevents DNS rebinding by web pages.",
    [
      "If clients use this name, add it to AllowedHosts or set PublicUrl",
      "Or configure Authentication",
    ],
  ),
  "AUTH-009": entry(
    "AUTHORIZATION",
    "ERROR",
    503,
    "Credential check unavailable",
    "The client's credential could not be checked: too many checks are in progress, or the signing keys " +
      "of the token's issuer are unavailable.",
    [
      "Retry after the time in Retry-After",
      "Check that the issuer of Authentication.Jwt can be reached from the gateway",
    ],
  ),
  "INT-001": entry(
    "INTERNAL",
    "ERROR",
    500,
    "Internal error",
    "An unexpected error in the gateway. This is a bug.",
    ["Report it with the request id and the log lines that carry it"],
  ),
  "INT-002": entry(
    "INTERNAL",
    "WARNING",
    503,
    "Not ready",
    "The gateway runs, but the token cache it shares with other replicas is unreachable or cannot be written.",
    [
      "Check that the token cache of the configuration can be reached from the gateway, and is no read-only replica",
      "Requests that arrive are still served: tokens are fetched without the cache",
    ],
  ),
  "INT-003": entry(
    "INTERNAL",
    "CRITICAL",
    503,
    "Body not buffered",
    "A body that must be hashed before it is sent could not be buffered in the state directory.",
    [
      "Free space on the disk of StateDirectory: it buffers every body above 1 MiB in transfer",
      "Check that StateDirectory exists and that the gateway's user may write to it",
    ],
  ),
  "INT-004": entry(
    "INTERNAL",
    "CRITICAL",
    503,
    "Audit trail not written",
    "Audit records cannot be written, and Audit.OnFailure is set to reject requests in that case.",
    [
      "Look in the log for the reason (disk full, read-only, syslog server unreachable)",
      "Fix it; the gateway recovers within seconds, without a restart",
      'Set Audit.OnFailure to "warn" where patient care must continue without a record',
    ],
  ),
} as const satisfies Record<string, ErrorEntry>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof catalogue;
