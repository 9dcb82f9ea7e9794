/**
 * Which headers cross the gateway, each with its reason. Filter, documentation
 * (`docs/security/headers.md`) and tests derive from these two tables.
 *
 * Answers of stores pass by an allowlist: whatever a store says of itself as an origin (cookies, HSTS,
 * policies, challenges) would act on the gateway's origin, and new headers of this kind appear every
 * year. Requests of clients pass by a list of kinds that stop: vendors read request headers of their
 * own (Azure: `msdicom-request-original`), and one that is missing makes the store answer another
 * question without a word.
 *
 * @module
 */

/** Headers that stop or pass together. */
export interface HeaderRule {
  /** What they are. */
  readonly kind: string;
  /** Lower-case names; `x-a*` is every name that begins with `x-a`, `*b*` every name that contains `b`. */
  readonly names: readonly string[];
  readonly reason: string;
}

/** Request headers that stop at the gateway. Everything else passes, as vendors have headers of their own. */
export const STOPPED_REQUEST_HEADERS: readonly HeaderRule[] = [
  {
    kind: "Connection and framing",
    names: [
      "alt-used",
      "connection",
      "early-data",
      "expect",
      "host",
      "http2-settings",
      "keep-alive",
      "max-forwards",
      "proxy-*",
      "te",
      "trailer",
      "transfer-encoding",
      "upgrade",
    ],
    reason: "They belong to one connection (RFC 9110, section 7.6.1); the gateway frames its own " +
      "requests. So do headers that `Connection` names",
  },
  {
    kind: "Content coding",
    names: ["accept-encoding"],
    reason:
      "The runtime asks for codings of its own and decodes the answer, or for none beside a " +
      "`Range`",
  },
  {
    kind: "Credentials of the client",
    names: [
      "authorization*",
      "cookie*",
      "csrf-token",
      "dpop",
      "x-access-token",
      "x-auth-*",
      "x-authorization*",
      "x-csrf*",
      "x-id-token",
      "x-jwt*",
      "x-refresh-token",
      "x-serverless-authorization",
      "x-ms-authorization*",
      "x-ms-token*",
      "x-xsrf*",
    ],
    reason: "They are for the gateway, which has its own at the store. The header of " +
      "`Authentication.ApiKeys` stops too; other API keys pass, as some stores want one besides the " +
      "token",
  },
  {
    kind: "Identity set by a proxy",
    names: [
      "eppn",
      "from",
      "impersonate-*",
      "iv-*",
      "oidc-*",
      "remote-*",
      "shib-*",
      "sm-*",
      "smuser",
      "sudo",
      "tailscale-*",
      "x-anonymous-consumer",
      "x-apigateway-*",
      "x-authenticated-*",
      "x-authentik-*",
      "x-consumer-*",
      "x-credential-*",
      "x-email*",
      "x-endpoint-api-*",
      "x-group*",
      "x-impersonate*",
      "x-ldap-*",
      "x-ms-client-principal*",
      "x-oidc-*",
      "x-pomerium-*",
      "x-remote-*",
      "x-role*",
      "x-saml-*",
      "x-shib-*",
      "x-sudo",
      "x-token-*",
      "x-user*",
      "x-vouch-*",
      "x-webauth-*",
    ],
    reason:
      "Servers behind a login proxy believe them. The store trusts the gateway, and no client " +
      "may choose under which name",
  },
  {
    kind: "Method override",
    names: ["*method*", "x-http-*", "x-verb*"],
    reason: "Some servers take the method from here: what is permitted as POST could delete",
  },
  {
    kind: "Target override",
    names: [
      "base-url",
      "request-uri",
      "x-base-url",
      "x-host*",
      "x-ingress-*",
      "x-middleware-*",
      "x-original*",
      "x-override*",
      "x-path*",
      "x-rewrite*",
      "x-script-name",
      "x-uri*",
      "x-url*",
    ],
    reason:
      "Some servers take the path or the host from here: nothing outside the store's `Url` may " +
      "be reached with its credential",
  },
  {
    kind: "Forwarding",
    names: [
      "akamai-*",
      "cdn-loop",
      "cf-*",
      "client-ip",
      "cloudfront-*",
      "fastly-*",
      "fly-*",
      "forwarded*",
      "front-end-https",
      "true-client-*",
      "via",
      "wl-proxy-*",
      "x-accel-*",
      "x-akamai-*",
      "x-appengine-*",
      "x-azure-*",
      "x-client-*",
      "x-cluster-*",
      "x-custom-ip*",
      "x-envoy-*",
      "x-forward*",
      "x-nginx-*",
      "x-originating-*",
      "x-proxy*",
      "x-real-*",
      "x-scheme",
      "x-sendfile*",
      "x-varnish*",
    ],
    reason: "They say who the client is and how it reached the gateway, which is nothing to the " +
      "store, and stores believe them of their own proxies. The profile's `TellPublicUrl` sets two " +
      "of them anew",
  },
  {
    kind: "Client certificate",
    names: ["client-cert*", "ssl-*", "x-arr-*", "x-cert*", "x-ssl*", "x-tls*"],
    reason: "A server behind a TLS terminator takes the client's certificate from here (RFC 9440)",
  },
  {
    kind: "Cloud platform",
    names: [
      "metadata",
      "metadata-flavor",
      "x-amz*",
      "x-aws-*",
      "x-goog-*",
      "x-google-*",
      "x-identity-header",
    ],
    reason: "They choose who pays (`X-Goog-User-Project`), whose key or session counts " +
      "(`X-Goog-Api-Key`, `X-Amz-Security-Token`) and what is called (`X-Amz-Target`), and open " +
      "metadata services, should a store's name resolve to one",
  },
  {
    kind: "Browser and page",
    names: [
      "access-control-*",
      "origin",
      "ping-*",
      "purpose",
      "referer",
      "sec-*",
      "service-worker*",
      "upgrade-insecure-requests",
      "x-moz",
      "x-purpose",
    ],
    reason:
      "They tell of a page that is none of the store's: a store with a CORS filter of its own " +
      "answers 403, and a referrer holds the viewer's URL with study and token",
  },
  {
    kind: "Baggage",
    names: ["baggage"],
    reason: "It carries what other systems of the hospital wrote into it to a third party (W3C " +
      "Baggage, section 4). `traceparent` and `tracestate` pass",
  },
];

/** Response headers that pass. Everything else stops at the gateway. */
export const PASSED_RESPONSE_HEADERS: readonly HeaderRule[] = [
  {
    kind: "The content",
    names: [
      "accept-ranges",
      "content-disposition",
      "content-encoding",
      "content-language",
      "content-length",
      "content-location",
      "content-range",
      "content-type",
      "last-modified",
      "etag",
    ],
    reason: "They describe the body (PS3.18, section 8.4; RFC 9110, section 8)",
  },
  {
    kind: "Digests",
    names: ["content-digest", "content-md5", "digest", "repr-digest"],
    reason:
      "By them a client finds a damaged body (RFC 9530); dropped where the gateway changes it",
  },
  {
    kind: "The outcome",
    names: [
      "accept",
      "accept-patch",
      "accept-post",
      "allow",
      "link",
      "location",
      "preference-applied",
      "retry-after",
      "warning",
    ],
    reason:
      "PS3.18 and RFC 9110 have clients act by them; URLs in them become the gateway's, and " +
      "`Location` of a redirect never gets here",
  },
  {
    kind: "Caching",
    names: ["age", "cache-control", "date", "expires", "pragma", "vary"],
    reason:
      "How long the client's own cache may keep the answer; what would let shared caches keep " +
      "it is taken out",
  },
  {
    kind: "Counts and pages",
    names: [
      "total-count",
      "x-next-page",
      "x-page",
      "x-per-page",
      "x-prev-page",
      "x-total",
      "x-total-count",
      "x-total-pages",
    ],
    reason: "How many matches a search has and which of them these are, at stores that tell so; " +
      "dropped where the gateway collects the pages",
  },
  {
    kind: "Azure",
    names: ["erroneous-dicom-attributes"],
    reason:
      "Attributes that a search could not rely on (conformance statement of the DICOM service)",
  },
  {
    kind: "Identifiers for the vendor's support",
    names: [
      "apim-request-id",
      "request-id",
      "x-amz-apigw-id",
      "x-amz-cf-id",
      "x-amz-id-2",
      "x-amz-request-id",
      "x-amzn-errortype",
      "x-amzn-requestid",
      "x-amzn-trace-id",
      "x-azure-ref",
      "x-cloud-trace-context",
      "x-correlation-id",
      "x-goog-request-id",
      "x-guploader-uploadid",
      "x-ms-activity-id",
      "x-ms-correlation-request-id",
      "x-ms-error-code",
      "x-ms-request-id",
    ],
    reason: "The first thing that support asks for. They name one request and grant nothing; " +
      "`X-Request-ID` is the gateway's own",
  },
];
