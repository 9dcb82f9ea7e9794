import assert from "node:assert/strict";
import { GatewayError } from "../../../src/errors/gateway_error.ts";
import type { ProviderAnswer } from "../../../src/credentials/provider_exchange.ts";
import {
  parseTokenResponse,
  tokenEndingAt,
} from "../../../src/credentials/oauth2/token_response.ts";
import type { Token } from "../../../src/credentials/token.ts";

const ISSUED_AT_MS = Date.UTC(2026, 0, 1);

function parse(status: number, body: unknown, headers: Record<string, string> = {}): Token {
  const response: ProviderAnswer = {
    status,
    headers: new Headers(headers),
    body: typeof body === "string" ? body : JSON.stringify(body),
  };
  const secrets = ["pa ss/wörd"];
  return parseTokenResponse(response, { server: "main", issuedAtMs: ISSUED_AT_MS, secrets });
}

function failure(status: number, body: unknown, headers: Record<string, string> = {}) {
  try {
    parse(status, body, headers);
  } catch (error) {
    assert(error instanceof GatewayError);
    return error;
  }
  throw new assert.AssertionError({ message: "no failure" });
}

const ok = { access_token: "abc", token_type: "Bearer", expires_in: 60 };

Deno.test("parseTokenResponse counts a token's life from when the request was sent", () => {
  assert.deepEqual(parse(200, ok), {
    value: "abc",
    type: "Bearer",
    issuedAtMs: ISSUED_AT_MS,
    expiresAtMs: ISSUED_AT_MS + 60_000,
  });
});

const lives: [given: unknown, seconds: number, why: string][] = [
  [3600, 3600, "a number"],
  ["3600", 3600, "a numeric string"],
  [" 90 ", 90, "a numeric string with blanks"],
  [59.9, 59, "a fraction"],
  [undefined, 300, "missing: the default"],
  [null, 300, "null: the default"],
  ["", 300, "an empty string: the default"],
  ["soon", 300, "no number: the default"],
  [{}, 300, "an object: the default"],
  [0, 300, "zero, which some mean as never"],
  [-1, 300, "negative"],
  [1e20, 86_400, "absurdly long: a day"],
  ["Infinity", 86_400, "endless: a day"],
];
for (const [given, seconds, why] of lives) {
  Deno.test(`parseTokenResponse reads expires_in as ${seconds} s if it is ${why}`, () => {
    const token = parse(200, { ...ok, expires_in: given });
    assert.equal(token.expiresAtMs - token.issuedAtMs, seconds * 1000);
  });
}

for (const type of ["Bearer", "bearer", "BEARER", "BearerToken", undefined, null]) {
  Deno.test(`parseTokenResponse reads token_type ${type} as Bearer`, () => {
    assert.equal(parse(200, { ...ok, token_type: type }).type, "Bearer");
  });
}

const failures: [status: number, body: unknown, code: string, why: string][] = [
  [401, { error: "invalid_client" }, "AUTH-001", "RFC 6749, section 5.2"],
  [400, { error: "invalid_client" }, "AUTH-001", "providers that do not use 401"],
  [401, "<html>", "AUTH-001", "a 401 without an error code"],
  [400, { error: "invalid_scope" }, "AUTH-002", "RFC 6749, section 5.2"],
  [400, { error: "unauthorized_client" }, "AUTH-002", "RFC 6749, section 5.2"],
  [400, { error: "invalid_target" }, "AUTH-002", "RFC 8707, section 2"],
  [400, { error: "invalid_request" }, "TOK-001", "RFC 6749, section 5.2"],
  [401, { error: "invalid_grant" }, "TOK-001", "the error code overrides the status"],
  [403, "", "TOK-001", "a refusal without a body"],
  [404, "not found", "TOK-001", "a wrong address"],
  [408, "", "AUTH-003", "temporary"],
  [429, { error: "slow_down" }, "AUTH-003", "temporary"],
  [500, "oops", "AUTH-003", "temporary"],
  [503, { error: "x" }, "AUTH-003", "temporary"],
  [400, { error: "temporarily_unavailable" }, "AUTH-003", "temporary, whatever the status"],
  [200, { error: "invalid_client" }, "AUTH-001", "providers that answer errors with 200"],
  [302, "", "NET-004", "a redirect"],
  [401, { error: "Unauthorized", message: "Bad credentials" }, "AUTH-001", "a status as its code"],
  [401, { error: { code: "Denied" } }, "AUTH-001", "an error that is an object"],
  [200, "<html>login</html>", "TOK-005", "a login page"],
  [200, "", "TOK-005", "nothing"],
  [200, "[]", "TOK-005", "an array"],
  [200, "null", "TOK-005", "null"],
  [200, {}, "TOK-005", "no access_token"],
  [200, { ...ok, access_token: "" }, "TOK-005", "an empty access_token"],
  [200, { ...ok, access_token: 5 }, "TOK-005", "an access_token that is a number"],
  [200, { ...ok, access_token: "a\r\nb: c" }, "TOK-005", "an access_token that forges a header"],
  [200, { ...ok, token_type: "mac" }, "TOK-005", "RFC 6749, section 7.1"],
  [200, { ...ok, token_type: 1 }, "TOK-005", "a token_type that is a number"],
];
for (const [status, body, code, why] of failures) {
  Deno.test(`parseTokenResponse fails with ${code} on ${status} ${JSON.stringify(body)}: ${why}`, () => {
    const error = failure(status, body);
    assert.equal(error.code, code);
    assert.equal(error.server, "main");
    assert.match(error.message, /^Cannot fetch a token for server "main": /);
  });
}

const waits: [header: string | undefined, seconds: number | undefined][] = [
  [undefined, undefined],
  ["7", 7],
  ["0", 1],
  ["99999999999", 300],
  ["Thu, 01 Jan 2026 00:00:30 GMT", 30],
  ["Wed, 31 Dec 2025 00:00:30 GMT", 1],
  ["tomorrow", undefined],
];
for (const [header, seconds] of waits) {
  Deno.test(`parseTokenResponse reads Retry-After ${header} as ${seconds} s`, () => {
    const headers: Record<string, string> = header === undefined ? {} : { "retry-after": header };
    assert.equal(failure(503, "", headers).retryAfterSeconds, seconds);
  });
}

const types: [type: unknown, named: string][] = [
  ["JWT", '"JWT"'],
  ["N_A", '"N_A"'],
  [1, "1"],
  ["Bearer\r\n\u202E", '"Bearer\\r\\n "'],
  ["x".repeat(5000), `"${"x".repeat(38)}…`],
  ["abc", '"abc"'],
];
for (const [type, named] of types) {
  Deno.test(`parseTokenResponse names the token_type ${named} that it rejects`, () => {
    const { message } = failure(200, {
      ...ok,
      access_token: "a-token-of-length",
      token_type: type,
    });
    assert(message.endsWith(`token endpoint answered token_type ${named}, not Bearer`), message);
  });
}

Deno.test("parseTokenResponse never repeats a token that arrives as the token_type", () => {
  const token = "an-opaque-token-0123456789";
  const { message } = failure(200, { access_token: token, token_type: token });
  assert(!message.includes("opaque"), message);
});

const ends: [members: Record<string, unknown>, seconds: number, why: string][] = [
  [{ expires_on: String(ISSUED_AT_MS / 1000 + 120) }, 120, "text, without expires_in"],
  [{ expires_on: ISSUED_AT_MS / 1000 + 120 }, 120, "a number, without expires_in"],
  [{ expires_in: 0, expires_on: ISSUED_AT_MS / 1000 + 120 }, 120, "beside an unusable expires_in"],
  [
    { expires_in: 60, expires_on: ISSUED_AT_MS / 1000 + 120 },
    60,
    "beside expires_in, which counts",
  ],
  [{ expires_on: "tomorrow" }, 300, "no date: the default"],
];
for (const [members, seconds, why] of ends) {
  Deno.test(`parseTokenResponse lets a token live ${seconds} s if expires_on is ${why}`, () => {
    const token = parse(200, { access_token: "abc", ...members });
    assert.equal(token.expiresAtMs - ISSUED_AT_MS, seconds * 1000);
  });
}

Deno.test("parseTokenResponse ignores Retry-After of permanent failures", () => {
  assert.equal(
    failure(400, { error: "invalid_scope" }, { "retry-after": "9" }).retryAfterSeconds,
    undefined,
  );
});

for (
  const [status, state] of [
    [404, "token endpoint https://idp.example/oauth/token answered 404"],
    [405, "token endpoint https://idp.example/oauth/token answered 405"],
    [400, "token endpoint answered 400"],
  ] as const
) {
  Deno.test(`parseTokenResponse ${status > 400 ? "quotes" : "omits"} the URL of a ${status}, never its query or password`, () => {
    const endpoint = "https://user:hunter2@idp.example/oauth/token?key=hunter2#hunter2";
    const answer = { status, headers: new Headers(), body: "" };
    const context = { server: "main", issuedAtMs: 0, secrets: [], endpoint };
    assert.throws(() => parseTokenResponse(answer, context), {
      message: `Cannot fetch a token for server "main": ${state}`,
    });
  });
}

for (
  const [status, service, isExplained] of [
    [404, undefined, true],
    [405, undefined, true],
    [400, undefined, false],
    [404, "metadata server", false],
  ] as const
) {
  Deno.test(`parseTokenResponse ${isExplained ? "says where to find" : "leaves out"} the right URL after a ${status} of the ${service ?? "token endpoint"}`, () => {
    const context = {
      server: "main",
      issuedAtMs: 0,
      secrets: [],
      endpoint: "https://idp.example/tokens",
      ...(service && { service }),
    };
    try {
      parseTokenResponse({ status, headers: new Headers(), body: "" }, context);
      assert.fail("no failure");
    } catch (error) {
      assert(error instanceof GatewayError);
      assert.equal(
        /token_endpoint.*openid-configuration/.test(error.troubleshooting[0] ?? ""),
        isExplained,
      );
    }
  });
}

Deno.test("parseTokenResponse quotes the provider on one short line", () => {
  const { message } = failure(400, {
    error: "invalid_scope",
    error_description: `AADSTS1: no\r\n\u202Esuch\u0000 scope ${"x".repeat(5000)}`,
  });
  assert.match(message, /answered 400 invalid_scope \(AADSTS1: no such scope x+…\)$/);
  assert(message.length < 500);
});

Deno.test("parseTokenResponse never repeats the secret or a token that the provider echoes", () => {
  const secret = "pa ss/wörd";
  const jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln";
  const echoes = [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ "": secret }).toString().slice(1),
    btoa(String.fromCharCode(...new TextEncoder().encode(secret))),
    jwt,
  ];
  for (const echo of echoes) {
    // Also where the text is cut in the middle of it.
    for (const before of ["", "x".repeat(295)]) {
      const { message } = failure(400, {
        error: `invalid_request ${echo}`,
        error_description: `${before}${echo}`,
      });
      assert(!message.includes(echo.slice(0, 4)), message);
    }
  }
});

Deno.test("tokenEndingAt limits a token's life to a day, and rejects an expired token", () => {
  const token = parse(200, ok);
  const context = { server: "main", service: "service" };
  const lifeMs = (endMs: number) => tokenEndingAt(token, endMs, context).expiresAtMs - ISSUED_AT_MS;
  assert.equal(lifeMs(NaN), 60_000);
  assert.equal(lifeMs(ISSUED_AT_MS + 1), 1);
  assert.equal(lifeMs(ISSUED_AT_MS + 1e12), 86_400_000);
  assert.throws(() => lifeMs(ISSUED_AT_MS), { code: "TOK-005" });
});
