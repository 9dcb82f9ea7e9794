/**
 * The headers of a client's request that stop at the gateway, each with its reason: the filter, its
 * tests and `docs/security/headers.md` derive from this table.
 *
 * It is a denylist: vendors read request headers of their own (Azure: `msdicom-request-original`), and a
 * store that misses one silently answers another question.
 */

/** Headers that stop or pass together. */
export interface HeaderRule {
  /** What they are. */
  readonly kind: string;
  /** Lower-case names; `x-a*` is every name that begins with `x-a`, `*b*` every name that contains `b`. */
  readonly names: readonly string[];
  readonly reason: string;
}

/** All others pass. */
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
      "http-proxy",
      "proxy",
      "proxy-*",
      "te",
      "trailer",
      "transfer-encoding",
      "upgrade",
    ],
    reason:
      "They apply to one connection (RFC 9110, section 7.6.1), like headers that `Connection` names; the gateway frames its own requests. `Proxy` would become `HTTP_PROXY` at servers " +
      "that pass fields on as variables (httpoxy)",
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
      "access-token",
      "authorization*",
      "cookie*",
      "csrf-token",
      "dpop",
      "id-token",
      "set-cookie*",
      "x-access-token",
      "x-auth-*",
      "x-authorization*",
      "x-bearer*",
      "x-csrf*",
      "x-id-token",
      "x-jwt*",
      "x-refresh-token",
      "x-serverless-authorization",
      "x-ms-authorization*",
      "x-ms-token*",
      "x-xsrf*",
    ],
    reason:
      "They are for the gateway, which has its own credential for the store. The header of `Authentication.ApiKeys` is removed too; other API keys pass, as some stores require one besides the " +
      "token",
  },
  {
    kind: "Identity set by a proxy",
    names: [
      "*runas*",
      "*run-as*",
      "auth-user",
      "authuser",
      "eppn",
      "from",
      "impersonate-*",
      "iv-*",
      "oidc-*",
      "on-behalf-of",
      "remote-*",
      "shib-*",
      "sm-*",
      "smuser",
      "sudo",
      "tailscale-*",
      "user",
      "verified-user",
      "webauth-*",
      "x-act-as",
      "x-admin*",
      "x-anonymous-consumer",
      "x-apigateway-*",
      "x-authenticated-*",
      "x-authentik-*",
      "x-consumer-*",
      "x-credential-*",
      "x-email*",
      "x-endpoint-api-*",
      "x-group*",
      "x-hasura-*",
      "x-impersonate*",
      "x-is-admin",
      "x-ldap-*",
      "x-ms-client-principal*",
      "x-oidc-*",
      "x-on-behalf-of",
      "x-pomerium-*",
      "x-principal*",
      "x-remote-*",
      "x-role*",
      "x-saml-*",
      "x-shib-*",
      "x-subject*",
      "x-sudo",
      "x-token-*",
      "x-user*",
      "x-vouch-*",
      "x-webauth-*",
    ],
    reason:
      "Servers behind an authenticating proxy trust them. The store trusts the gateway, and no client may choose the identity",
  },
  {
    kind: "Method override",
    names: ["*method*", "*override*", "x-http-*", "x-verb*"],
    reason: "Some servers take the method from them: a permitted POST could delete",
  },
  {
    kind: "Target override",
    names: [
      "base-url",
      "request-ur*",
      "x-backend*",
      "x-base-url",
      "x-full-url",
      "x-host*",
      "x-ingress-*",
      "x-middleware-*",
      "x-original*",
      "x-path*",
      "x-request-ur*",
      "x-rewrite*",
      "x-script-name",
      "x-server-*",
      "x-uri*",
      "x-url*",
    ],
    reason:
      "Some servers take the path or the host from them: nothing outside the store's `Url` may be reached with its credential",
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
    reason:
      "They identify the client and its route to the gateway, which the store does not need, and stores trust them from their own proxies. The profile's `TellPublicUrl` sets two of them",
  },
  {
    kind: "Client certificate",
    names: ["client-cert*", "ssl-*", "sslclient*", "x-arr-*", "x-cert*", "x-ssl*", "x-tls*"],
    reason: "A server behind a TLS terminator takes the client's certificate from them (RFC 9440)",
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
    reason:
      "They select billing (`X-Goog-User-Project`), key or session (`X-Goog-Api-Key`, `X-Amz-Security-Token`) and operation (`X-Amz-Target`), and open metadata services if a store's name resolves to one",
  },
  {
    kind: "Browser and page",
    names: [
      "access-control-*",
      "origin",
      "ping-*",
      "purpose",
      "referer",
      "referrer",
      "sec-*",
      "service-worker*",
      "upgrade-insecure-requests",
      "x-moz",
      "x-purpose",
      "x-referer",
      "x-referrer",
    ],
    reason:
      "They describe a page unrelated to the store: a store with its own CORS filter returns 403, and a referrer contains the viewer's URL with study and token",
  },
  {
    kind: "Baggage",
    names: ["baggage"],
    reason: "It carries what other systems of the hospital wrote into it to a third party (W3C " +
      "Baggage, section 4). `traceparent` and `tracestate` pass",
  },
];
