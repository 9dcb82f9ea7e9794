/**
 * The catalogue of everything the gateway can fail with: the codes of the plugin it replaces, with
 * the same meaning, and new ones that continue their numbers. `docs/error-codes.md` is made from it.
 *
 * @module
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
    "A key that the configuration needs is not there, or no configuration file was found.",
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
    "The configuration refers to an environment variable or a secret file that is not there.",
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
    "The identity provider refused to give a token. The client of the gateway did nothing wrong.",
    [
      "Read the provider's own error code in the message and look it up in its documentation",
      "Check TokenEndpoint, ClientId, ClientSecret and Scope of this server",
      "Try again with POST /dicomweb-oauth/servers/{name}/test",
    ],
  ),
  "TOK-002": entry(
    "AUTHENTICATION",
    "WARNING",
    502,
    "Token expired",
    "The store refused the token. It was dropped; the next request uses a new one.",
    [
      "Send the request again: an Orthanc job is repeated with POST /jobs/{id}/resubmit",
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
    "The identity provider gave a token that did not pass validation. It was neither used nor kept.",
    [
      "Compare JWTIssuer, JWTAudience and JWTAlgorithms of this server with the token's claims",
      "Check that JWTPublicKey is the key the provider signs with today",
      "Treat an unexplained failure as a security event: the answer may not come from your provider",
    ],
  ),
  "TOK-005": entry(
    "AUTHENTICATION",
    "ERROR",
    502,
    "Token response invalid",
    "The token endpoint answered with something that is not an OAuth2 token response (RFC 6749, section 5.1).",
    [
      "Check that TokenEndpoint is the token endpoint, not a login page or an issuer URL",
      "Look for a proxy that answers in its place",
    ],
  ),
  "TOK-006": entry(
    "AUTHENTICATION",
    "ERROR",
    502,
    "Token refresh failed",
    "The token could not be renewed in the background. The old one is used until it expires.",
    [
      "Check that the identity provider can be reached from the gateway",
      "Check that the client's secret or certificate has not expired",
    ],
  ),
  "TOK-007": entry(
    "AUTHENTICATION",
    "WARNING",
    429,
    "Token revoked a moment ago",
    "The cached token of this server was dropped a moment ago. Others who share the cache learn of it " +
      "within seconds; to drop it more often would only load the identity provider.",
    ["Wait as long as Retry-After says, and revoke the token again if that is still needed"],
  ),
  "NET-001": entry(
    "NETWORK",
    "ERROR",
    504,
    "Timeout",
    "A connection, an answer or a body took longer than its limit.",
    [
      "Check the network between the gateway and the host that the message names",
      "Raise the limit that the message names if the host is known to be slow",
    ],
  ),
  "NET-002": entry(
    "NETWORK",
    "ERROR",
    502,
    "Connection failed",
    "No connection to the host could be made, or it broke before an answer came.",
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
      "If the host wants a certificate of the gateway, set ClientCertificate to one that it trusts",
    ],
  ),
  "NET-004": entry(
    "NETWORK",
    "ERROR",
    502,
    "Redirect refused",
    "The store or the identity provider answered with a redirect. A credential is never sent on to another place.",
    [
      "Put the final address of the service in the configuration",
      "Check for a login page or captive portal in front of the service",
    ],
  ),
  "NET-005": entry(
    "NETWORK",
    "WARNING",
    400,
    "Request refused",
    "The path, method, a header or the body of the request is not acceptable. The store was not asked, or not to the end.",
    [
      "Send the path as PS3.18 writes it, without dot segments, encoded slashes or control characters",
    ],
  ),
  "NET-006": entry(
    "NETWORK",
    "WARNING",
    404,
    "No such server or path",
    "The path names no server of the configuration and no page of the gateway.",
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
    "This method is not offered at this path.",
    ["Use a method of the Allow header"],
  ),
  "NET-008": entry(
    "NETWORK",
    "CRITICAL",
    502,
    "Host not allowed",
    "Something led to a host that the configuration does not name. Nothing was sent there.",
    [
      "If the host belongs to your provider or store, name it in the configuration",
      "If it does not, treat this as a security event",
    ],
  ),
  "NET-009": entry(
    "NETWORK",
    "ERROR",
    502,
    "Answers do not fit",
    "The store's answer does not fit the request: a success without a report of what was stored (a login page, an empty body), or before everything was sent; or several requests were needed to answer the client's one, and the answers do not fit together.",
    [
      "Read the message: it says what the store answered",
      "Check that Url is the store's DICOMweb service, and that no login page or proxy answers in its place",
      "Check that Profile fits this store: its rules say how one request becomes several",
    ],
  ),
  "NET-010": entry(
    "NETWORK",
    "ERROR",
    503,
    "Store unavailable",
    "The store failed so often in a row that it is left alone for a while (circuit breaker).",
    [
      "Send the request again after the time that Retry-After says",
      "Read the log for what the store failed with before, and check the store itself",
      "StoreResilience of this server says after how many failures and for how long",
    ],
  ),
  "NET-011": entry(
    "NETWORK",
    "WARNING",
    503,
    "Too many requests",
    "As many requests to this store are under way as are allowed, and the queue is full or did not move.",
    [
      "Send the request again after the time that Retry-After says, and fewer at once",
      "If the store can take more, raise MaxConcurrentRequests in StoreResilience of this server",
    ],
  ),
  "NET-012": entry(
    "NETWORK",
    "WARNING",
    429,
    "Rate limit exceeded",
    "The client has sent more requests within the window than the configuration lets it.",
    [
      "Send the request again after the time that Retry-After says, and fewer at once",
      "RateLimitRequests and RateLimitWindowSeconds say how many, for the gateway or for one server",
      "If many clients come through one proxy, name it in TrustedProxies",
    ],
  ),
  "AUTH-001": entry(
    "AUTHORIZATION",
    "ERROR",
    502,
    "Client credentials invalid",
    "The identity provider does not accept the client's identifier, secret, key or certificate.",
    [
      "Check ClientId and ClientSecret of this server; a secret may have expired",
      "Check that the provider expects the configured way of client authentication",
      "Check that the client is not disabled at the provider",
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
    ],
  ),
  "AUTH-003": entry(
    "AUTHORIZATION",
    "CRITICAL",
    503,
    "Identity provider unavailable",
    "The identity provider cannot be reached or answers with server errors, and no valid token is left.",
    [
      "Check the provider's status page and the network path to it",
      "Check the host in TokenEndpoint or Issuer for a typing error",
      "Requests work again by themselves as soon as the provider answers",
    ],
    5,
  ),
  "AUTH-004": entry(
    "AUTHORIZATION",
    "WARNING",
    403,
    "Web page not allowed",
    "A web page that the configuration does not name tried to open a WebSocket through the gateway, " +
      "to change something, to send a preflight, or to embed an answer (as script, image or frame).",
    ["If the page is a viewer of yours, add its origin to Cors.AllowedOrigins"],
  ),
  "AUTH-005": entry(
    "AUTHORIZATION",
    "WARNING",
    401,
    "Not authenticated",
    "The client has not shown who it is, or the gateway does not accept how: its password, key or " +
      "token is missing or wrong.",
    [
      "Give the client a user name and password, a key or a token that Authentication accepts",
      "In Orthanc these are Username and Password, or HttpHeaders, of the server in DicomWeb.Servers",
      "The message says what was wrong with a token",
    ],
  ),
  "AUTH-006": entry(
    "AUTHORIZATION",
    "WARNING",
    429,
    "Too many failed attempts",
    "So many attempts from this address or for this user have failed that passwords are not checked for a while.",
    [
      "Send the request again after the time that Retry-After says, with the right credential",
      "If many clients come through one proxy, name it in TrustedProxies",
      "If nobody mistyped a password, treat this as a security event",
    ],
  ),
  "AUTH-007": entry(
    "AUTHORIZATION",
    "WARNING",
    403,
    "Not permitted",
    "The gateway knows who the client is, but the configuration does not let it do this.",
    [
      "Add the transaction that the message names to an entry of Permissions for this client and server",
      "ReadOnly of the server refuses everything that changes something",
      "A token may lack a scope or role of RequiredScopes and RequiredRoles",
    ],
  ),
  "AUTH-008": entry(
    "AUTHORIZATION",
    "WARNING",
    421,
    "Host name not known",
    "The request asks for a host name that is not the gateway's. Without Authentication the gateway " +
      "answers only to names it is known by, so that no web page can reach it by a name of its own.",
    [
      "If clients call the gateway by this name, add it to AllowedHosts or set PublicUrl",
      "Or configure Authentication",
    ],
  ),
  "AUTH-009": entry(
    "AUTHORIZATION",
    "ERROR",
    503,
    "Credential not checked",
    "The client's credential could not be checked: too many are being checked, or the keys of a token's " +
      "issuer cannot be had.",
    [
      "Send the request again after the time that Retry-After says",
      "Check that the issuer of Authentication.Jwt can be reached from the gateway",
    ],
  ),
  "INT-001": entry(
    "INTERNAL",
    "ERROR",
    500,
    "Internal error",
    "The gateway failed in a way it does not foresee. This is a bug.",
    ["Report it with the request id and the log lines that carry it"],
  ),
  "INT-002": entry(
    "INTERNAL",
    "WARNING",
    503,
    "Not ready",
    "The gateway runs, but something it shares with other replicas is not there.",
    [
      "Check that the token cache of the configuration can be reached from the gateway",
      "Traffic that arrives all the same is served: tokens are then fetched without the cache",
    ],
  ),
  "INT-003": entry(
    "INTERNAL",
    "CRITICAL",
    503,
    "Body not kept",
    "A body that has to be hashed before it is sent could not be written to the state directory.",
    [
      "Free space on the disk of the StateDirectory: it takes every body above 1 MiB that is under way",
      "Check that StateDirectory is there and that the gateway's user may write to it",
    ],
  ),
  "INT-004": entry(
    "INTERNAL",
    "CRITICAL",
    503,
    "Audit trail not written",
    "What is done cannot be recorded, and Audit.OnFailure says that nothing is done then.",
    [
      "Look at the log: it says why no record can be written (disk full, read-only, syslog not reached)",
      "Mend that; the gateway goes on by itself within seconds, and no restart is needed",
      'Set Audit.OnFailure to "warn" where care must go on without a record',
    ],
  ),
} as const satisfies Record<string, ErrorEntry>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof catalogue;
