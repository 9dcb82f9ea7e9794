import assert from "node:assert/strict";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { parseTokenResponse } from "../../src/credentials/oauth2/token_response.ts";

const SECRET = `s3cret&"value'<0123456789>`;
const ENDPOINT = "https://idp.example/token";

function failure(
  status: number,
  headers: Record<string, string>,
  body: unknown,
  endpoint = ENDPOINT,
): GatewayError {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  try {
    parseTokenResponse({ status, headers: new Headers(headers), body: text }, {
      server: "main",
      issuedAtMs: 0,
      secrets: [SECRET],
      endpoint,
    });
  } catch (error) {
    assert(error instanceof GatewayError);
    return error;
  }
  throw new assert.AssertionError({ message: "no failure" });
}

const KEY = /^In front of the provider: an API gateway requires a key/;
const CLIENT = /^Check ClientId and ClientSecret/;
const WRONG_URL = /^The URL is not that of the token endpoint/;
const READ = /^Read the provider's own words/;

type Row = readonly [
  who: string,
  status: number,
  headers: Record<string, string>,
  body: unknown,
  said: string,
  code: string,
  advice: RegExp,
];

/** Responses in the forms of the vendors' documents, or as their users quote them. */
const rows: readonly Row[] = [
  [
    "Okta's management API",
    400,
    {},
    { errorCode: "invalid_client", errorSummary: "Invalid value for 'client_id' parameter." },
    "400 invalid_client (Invalid value for 'client_id' parameter.)",
    "AUTH-001",
    CLIENT,
  ],
  [
    "Apigee's OAuthV2 policy",
    401,
    {},
    { ErrorCode: "invalid_client", Error: "ClientId is Invalid" },
    "401 invalid_client (ClientId is Invalid)",
    "AUTH-001",
    CLIENT,
  ],
  [
    "an Apigee fault",
    401,
    {},
    {
      fault: {
        faultstring: "Invalid client identifier",
        detail: { errorcode: "oauth.v2.InvalidClientIdentifier" },
      },
    },
    "401 oauth.v2.InvalidClientIdentifier (Invalid client identifier)",
    "AUTH-001",
    CLIENT,
  ],
  [
    "Azure API Management",
    401,
    {},
    { statusCode: 401, message: "Access denied due to missing subscription key." },
    "401 (Access denied due to missing subscription key.)",
    "TOK-001",
    KEY,
  ],
  [
    "Kong",
    401,
    { server: "kong/3.4.0" },
    { message: "No API key found in request" },
    "401 (No API key found in request) [Server: kong/3.4.0]",
    "TOK-001",
    KEY,
  ],
  [
    "a Google API",
    403,
    {},
    { error: { code: 403, message: "Access is denied by policy", status: "PERMISSION_DENIED" } },
    "403 PERMISSION_DENIED (Access is denied by policy)",
    "TOK-001",
    READ,
  ],
  [
    "Spring Boot",
    401,
    {},
    { status: 401, error: "Unauthorized", message: "Bad credentials", path: "/oauth/token" },
    "401 Unauthorized (Bad credentials)",
    "AUTH-001",
    CLIENT,
  ],
  [
    "problem+json (RFC 9457)",
    400,
    { "content-type": "application/problem+json" },
    { type: "about:blank", title: "Invalid tenant", detail: "Tenant 42 is suspended" },
    "400 (Tenant 42 is suspended)",
    "TOK-001",
    READ,
  ],
  [
    "a FHIR server",
    400,
    {},
    { resourceType: "OperationOutcome", issue: [{ diagnostics: "Unknown client" }] },
    "400 (Unknown client)",
    "TOK-001",
    READ,
  ],
  [
    "RFC 6749 with error_uri only",
    400,
    { server: "nginx" },
    { error: "invalid_request", error_uri: "https://idp.example/errors/77" },
    "400 invalid_request (https://idp.example/errors/77)",
    "TOK-001",
    READ,
  ],
  [
    "plain text",
    404,
    {},
    "404 page not found\n",
    "404 (404 page not found)",
    "TOK-001",
    WRONG_URL,
  ],
  [
    "XML",
    400,
    {},
    "<?xml version='1.0'?><Fault><Reason>Certificate of relying party expired</Reason></Fault>",
    "400 (Certificate of relying party expired)",
    "TOK-001",
    READ,
  ],
  [
    "nginx",
    403,
    { server: "nginx/1.24.0" },
    "<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1>nginx</body></html>",
    "403 (403 Forbidden nginx) [Server: nginx/1.24.0]",
    "TOK-001",
    READ,
  ],
  [
    "Squid",
    403,
    { via: "1.1 proxy.clinic.example (squid/5.7)", server: "squid/5.7" },
    "<!DOCTYPE html><title>ERROR: The requested URL could not be retrieved</title>" +
    "<style>a > b {}</style><!-- x --><p>Access&nbsp;Denied.</p>",
    "403 (ERROR: The requested URL could not be retrieved Access Denied.) " +
    "[Via: 1.1 proxy.clinic.example (squid/5.7), Server: squid/5.7]",
    "TOK-001",
    /^In front of the provider: an HTTP proxy answered/,
  ],
  [
    "F5's firewall",
    200,
    {},
    "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected." +
    "<br>Your support ID is: 4711471147</body></html>",
    "token endpoint did not return a JSON object (Request Rejected support ID is: 4711471147)",
    "TOK-005",
    /web application firewall/,
  ],
  [
    "a 200 with an error object",
    200,
    {},
    { error: { message: "No such tenant" } },
    "contains no usable access_token (No such tenant)",
    "TOK-005",
    /^Check that TokenEndpoint/,
  ],
  [
    "a rate limit",
    429,
    {},
    "",
    "token endpoint answered 429",
    "AUTH-003",
    /^The provider limits the rate of token requests/,
  ],
];
for (const [who, status, headers, body, said, code, advice] of rows) {
  Deno.test(`parseTokenResponse quotes ${who} (${status}) and gives the advice that fits`, () => {
    const error = failure(status, headers, body);
    assert(error.message.endsWith(said), error.message);
    assert.equal(error.code, code);
    assert.match(error.troubleshooting[0] ?? "", advice);
  });
}

const FORM_TYPE = "application/x-www-form-urlencoded";
const NO_JSON = "token endpoint did not return a JSON object";

/** Successes without a token: what is said of them. */
const forms: [form: string, headers: Record<string, string>, body: unknown, said: string][] = [
  ["nothing", {}, "", `${NO_JSON} but an empty body`],
  ["a form", { "content-type": FORM_TYPE }, "access_token=a", `${NO_JSON} but ${FORM_TYPE}`],
  ["a web page", { "content-type": "text/html" }, "<p>Sign in", `${NO_JSON} but text/html`],
  [
    "a coding that was not requested",
    { "content-type": "application/json", "content-encoding": "deflate" },
    "x\x9c\xab",
    `${NO_JSON} but a body in the content coding deflate`,
  ],
  [
    "JSON in UTF-16",
    { "content-type": "application/json; charset=utf-16le" },
    "{\0}\0",
    `${NO_JSON} but application/json; charset=utf-16le`,
  ],
  ["a JSON list", { "content-type": "application/json" }, [{ access_token: "a" }], NO_JSON],
  [
    "other names",
    {},
    { accessToken: "an-opaque-token", tokenType: "Bearer" },
    "contains no usable access_token, only accessToken, tokenType",
  ],
  [
    "a token as a name",
    {},
    { "an-opaque-token": 1, data: 1 },
    "contains no usable access_token, only data",
  ],
  [
    "blanks around the token",
    {},
    { access_token: " an-opaque-token " },
    "the access_token of the token endpoint is not a text of visible ASCII",
  ],
  [
    "a number as the token",
    {},
    { access_token: 12345 },
    "the access_token of the token endpoint is not a text of visible ASCII",
  ],
];
for (const [form, headers, body, said] of forms) {
  Deno.test(`parseTokenResponse says what came instead of a token: ${form}`, () => {
    const error = failure(200, headers, body);
    assert.equal(error.code, "TOK-005");
    assert(error.message.endsWith(said), error.message);
    assert.doesNotMatch(error.message, /opaque/);
  });
}

for (
  const [type, advice] of [
    ["DPoP", /^Set DPoP to true/],
    ["JWT", /^Ask the operator of the provider for bearer tokens/],
  ] as const
) {
  Deno.test(`parseTokenResponse advises about the token_type ${type}`, () => {
    const error = failure(200, {}, { access_token: "abc", token_type: type });
    assert.match(error.troubleshooting[0] ?? "", advice);
  });
}

const echoes: [form: string, headers: Record<string, string>, body: unknown][] = [
  ["a message", {}, { message: `no client ${SECRET}` }],
  ["a fault", {}, { fault: { faultstring: SECRET, detail: { errorcode: SECRET } } }],
  ["plain text", {}, `no client ${SECRET}`],
  [
    "a web page",
    {},
    "<title>s3cret&amp;&quot;value&#39;&lt;0123456789&gt;</title><p>s3cret&#x26;&#34;value&apos;",
  ],
  ["headers", { via: `1.1 ${SECRET}`, server: SECRET }, ""],
];
for (const [form, headers, body] of echoes) {
  Deno.test(`parseTokenResponse never repeats a secret that ${form} echoes`, () => {
    const { message } = failure(400, headers, body);
    assert.match(message, /\[hidden\]/);
    assert.doesNotMatch(message, /s3cret|value|01234/);
  });
}

const tokens: [form: string, body: string][] = [
  ["a form", "access_token=an-opaque-token&token_type=bearer"],
  ["plain text", "an-opaque-token"],
  ["XML", "<token>an-opaque-token</token>"],
  [
    "JSON of another form",
    '{"message":"an-opaque-token","data":{"access_token":"an-opaque-token"}}',
  ],
  ["a JSON string", '"an-opaque-token"'],
];
for (const [form, body] of tokens) {
  Deno.test(`parseTokenResponse never repeats a token that a success contains in ${form}`, () => {
    assert.doesNotMatch(failure(200, {}, body).message, /opaque/);
  });
}

Deno.test("parseTokenResponse quotes a page of any size on one short line, in linear time", () => {
  const pages = [
    "<".repeat(60_000),
    "<title>".repeat(9_000),
    `<p>\u0007\u202E${"x ".repeat(30_000)}`,
  ];
  for (const page of pages) {
    const startedMs = performance.now();
    const { message } = failure(400, { via: "v".repeat(9_000) }, page);
    assert(message.length < 600 && !/\p{C}/u.test(message), message.slice(0, 700));
    assert(performance.now() - startedMs < 2_000);
  }
});

const redirects: [location: string, named: string, advice: RegExp][] = [
  ["https://filter.example/auth?url=x&secret=y", " to https://filter.example", /^Do not configure/],
  ["https://idp.example:8443/token/", " to https://idp.example:8443", /^Correct scheme, port/],
  ["/oauth2/token", " to https://idp.example", /^Correct scheme, port/],
  ["http://idp.example/token", " to http://idp.example", /^Do not configure/],
  [
    "https://idp.example.evil.example/",
    " to https://idp.example.evil.example",
    /^Do not configure/,
  ],
  ["https://user:pass@other.example/", " to https://other.example", /^Do not configure/],
  ["javascript:alert(1)", "", /^Do not configure/],
  ["", " to https://idp.example", /^Correct scheme, port/],
];
for (const [location, named, advice] of redirects) {
  Deno.test(`parseTokenResponse never advises to send the secret to the target of a redirect to "${location}"`, () => {
    const error = failure(307, { location }, "");
    assert.equal(error.code, "NET-004");
    assert(error.message.endsWith(`answered 307, a redirect${named}`), error.message);
    assert.match(error.troubleshooting[0] ?? "", advice);
    assert(!error.troubleshooting.some((step) => /put the final address/i.test(step)));
  });
}
