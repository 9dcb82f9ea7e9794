import assert from "node:assert/strict";
import type { IssuerConfig } from "../../../src/config/inbound/issuers.ts";
import { createTokenValidator } from "../../../src/credentials/validation/create_token_validator.ts";
import { BearerTokens } from "../../../src/credentials/inbound/bearer_tokens.ts";
import { TokenFault } from "../../../src/credentials/validation/token_fault.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";
import { HttpClient } from "../../../src/network/http_client.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import {
  type IssuerKey,
  makeIssuerKey,
  signToken,
  startKeyServer,
} from "../../fixtures/jwt_issuer.ts";

const never = new AbortController().signal;
const key = await makeIssuerKey("RS256", "k1");
const otherKey = await makeIssuerKey("RS256", "k1");

function tokensOf(
  clock: FakeClock,
  servers: readonly (readonly [url: string, changes?: Partial<IssuerConfig>])[],
): { readonly tokens: BearerTokens; readonly close: () => void } {
  const allowlist = new Set(servers.map(([url]) => new URL(url).host));
  const http = new HttpClient({ allowlist });
  const issuers = servers.map(([url, changes], index) => {
    const config: IssuerConfig = {
      name: `issuer${index}`,
      validation: {
        keys: {
          from: "discovery",
          discovery: { kind: "issuer", url, allowedHosts: [new URL(url).host] },
        },
        audience: "gateway",
        issuers: [url],
        algorithms: ["RS256"],
      },
      reach: { urls: [url], possibleUrls: [] },
      mayProxy: true,
      requiredScopes: [],
      requiredRoles: [],
      rolesClaim: ["roles"],
      subjectClaim: ["sub"],
      caCertificatesPem: [],
      ...changes,
    };
    const connection = { server: config.name, http, timeoutMs: 10_000, clock };
    return { config, validator: createTokenValidator(config.validation, connection) };
  });
  return { tokens: new BearerTokens(issuers, () => clock.now()), close: () => http.close() };
}

interface Claims {
  [name: string]: unknown;
}

async function withIssuer(
  changes: Partial<IssuerConfig>,
  use: (fixture: {
    readonly clock: FakeClock;
    readonly verify: (claims: Claims, by?: IssuerKey) => Promise<unknown>;
    readonly tokens: BearerTokens;
    readonly url: string;
    readonly requests: readonly string[];
  }) => Promise<void>,
): Promise<void> {
  await using server = startKeyServer(key);
  const clock = new FakeClock();
  const { tokens, close } = tokensOf(clock, [[server.url, changes]]);
  const verify = async (claims: Claims, by = key) => {
    const exp = clock.now() / 1000 + 300;
    const standard = { iss: server.url, aud: "gateway", sub: "4711", exp };
    return await tokens.verify(await signToken(by, { ...standard, ...claims }), never);
  };
  await use({ clock, verify, tokens, url: server.url, requests: server.requests });
  close();
}

Deno.test("BearerTokens: a valid token identifies the client, distinct from users and other issuers", () =>
  withIssuer({ rolesClaim: ["realm_access", "roles"] }, async ({ verify }) => {
    const { caller } = await verify({ realm_access: { roles: ["read", 7] } }) as never;
    assert.deepEqual(caller, { subject: "jwt:issuer0:4711", roles: ["role:issuer0:read"] });
  }));

/** Fault of a token → message. */
const REFUSED: readonly [what: string, claims: Claims, expected: RegExp][] = [
  ["of another audience", { aud: "store" }, /claim aud does not have the expected value/],
  ["without an audience", { aud: undefined }, /claim aud is missing/],
  ["of another issuer", { iss: "https://evil.example" }, /issuer is not accepted/],
  ["without an issuer", { iss: undefined }, /issuer is not accepted/],
  ["that has expired", { exp: 1 }, /expired/],
  ["that never expires", { exp: undefined }, /claim exp is missing/],
  ["that is not valid yet", { nbf: 4_102_444_800 }, /not valid yet/],
  ["without a subject", { sub: undefined }, /subject claim is missing/],
  [
    "whose subject would forge a log line",
    { sub: "a\nb" },
    /subject claim is missing or not plain/,
  ],
  ["whose subject is endless", { sub: "a".repeat(256) }, /subject claim is missing or not plain/],
];

for (const [what, claims, expected] of REFUSED) {
  Deno.test(`BearerTokens: a token ${what} is rejected`, () =>
    withIssuer({}, async ({ verify }) => {
      await assert.rejects(verify(claims), (error) => {
        assert(error instanceof TokenFault);
        assert.match(error.message, expected);
        return true;
      });
    }));
}

const COMPARED: readonly [what: string, claims: Claims, found: readonly [string, string]][] = [
  ["of another audience", { aud: ["store", "x"] }, ["URL", "store, x"]],
  ["without issuer and audience", { iss: undefined, aud: undefined }, ["none", "none"]],
  ["whose claims are no text", { iss: 7, aud: { a: 1 } }, ["none", "none"]],
  [
    "whose claims would forge a log line",
    { iss: "https://a\r\nb\u202E", aud: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln" },
    ["https://a b", "[hidden]"],
  ],
  ["whose claims are endless", { iss: "i".repeat(9000) }, [`${"i".repeat(299)}…`, "gateway"]],
];
for (const [what, claims, [issuer, audience]] of COMPARED) {
  Deno.test(`BearerTokens compares issuer and audience of a token ${what} with the expected ones`, () =>
    withIssuer({}, async ({ tokens, url }) => {
      const token = await signToken(key, {
        iss: url,
        aud: "gateway",
        sub: "name-of-a-person",
        ...claims,
      });
      const compared = tokens.compare(token);
      assert.equal(compared["token_issuer"], issuer.replace("URL", url));
      assert.equal(compared["expected_issuer"], url);
      assert.equal(compared["token_audience"], audience);
      const knows = !("iss" in claims);
      assert.equal(compared["expected_audience"], knows ? "gateway" : undefined);
      assert(!JSON.stringify(compared).includes("person"));
    }));
}

Deno.test("BearerTokens compares nothing of text that is no token", () =>
  withIssuer({}, ({ tokens }) => {
    for (const text of ["", "a.b.c", "opaque"]) assert.deepEqual(tokens.compare(text), {});
    return Promise.resolve();
  }));

Deno.test("BearerTokens: a token signed by another key in the issuer's name is rejected", () =>
  withIssuer({}, async ({ verify }) => {
    await assert.rejects(verify({}, otherKey), /signature does not match/);
  }));

Deno.test("BearerTokens: text that is no token is rejected without a request", () =>
  withIssuer({}, async ({ tokens, requests }) => {
    for (const text of ["", "a.b.c", "opaque", "e30.e30."]) {
      await assert.rejects(tokens.verify(text, never), TokenFault);
    }
    assert.deepEqual(requests, []);
  }));

Deno.test("BearerTokens: one issuer's keys do not verify tokens of another", async () => {
  await using one = startKeyServer(key);
  await using other = startKeyServer(otherKey);
  const clock = new FakeClock();
  const { tokens, close } = tokensOf(clock, [[one.url], [other.url]]);
  const exp = clock.now() / 1000 + 300;
  const forged = await signToken(key, { iss: other.url, aud: "gateway", sub: "admin", exp });
  await assert.rejects(tokens.verify(forged, never), /signature does not match/);
  const own = await signToken(otherKey, { iss: other.url, aud: "gateway", sub: "admin", exp });
  assert.equal((await tokens.verify(own, never)).caller.subject, "jwt:issuer1:admin");
  close();
});

/** Claims → whether they contain the scopes `read` and `write`. */
const SCOPES: readonly [claims: Claims, enough: boolean][] = [
  [{ scope: "write openid read" }, true],
  [{ scp: "read write" }, true],
  [{ scp: ["read", "write"] }, true],
  [{ scope: "read" }, false],
  [{ scope: "readwrite" }, false],
  [{ scope: { read: true } }, false],
  [{}, false],
];

for (const [claims, enough] of SCOPES) {
  Deno.test(`BearerTokens: ${JSON.stringify(claims)} ${enough ? "has" : "lacks"} the scopes`, () =>
    withIssuer({ requiredScopes: ["read", "write"] }, async ({ verify }) => {
      if (enough) return void await verify(claims);
      await assert.rejects(verify(claims), (error) => {
        assert(error instanceof GatewayError);
        assert.deepEqual([error.code, error.status], ["AUTH-007", 403]);
        assert.match(error.headers["www-authenticate"] ?? "", /^Bearer error="insufficient_scope"/);
        return true;
      });
    }));
}

Deno.test("BearerTokens: one of the required roles is sufficient", () =>
  withIssuer({ requiredRoles: ["reader", "writer"] }, async ({ verify }) => {
    await verify({ roles: ["other", "writer"] });
    for (const roles of [["other"], "read", undefined]) {
      await assert.rejects(verify({ roles }), { code: "AUTH-007" });
    }
  }));

Deno.test("BearerTokens: a verification is valid for a minute, and never beyond the token's expiry", () =>
  withIssuer({}, async ({ verify, clock }) => {
    const long = await verify({}) as { untilMs: number };
    assert.equal(long.untilMs, clock.now() + 60_000);
    // Includes the clock tolerance of a minute.
    const short = await verify({ exp: clock.now() / 1000 - 30 }) as { untilMs: number };
    assert.equal(short.untilMs, clock.now() + 30_000);
  }));

Deno.test("BearerTokens: concurrent first tokens cause one request for keys", () =>
  withIssuer({}, async ({ verify, requests }) => {
    await Promise.all(Array.from({ length: 50 }, (_, index) => verify({ sub: String(index) })));
    assert.deepEqual(requests, ["/.well-known/openid-configuration", "/keys"]);
  }));

Deno.test("BearerTokens: unavailable keys are not the client's fault", async () => {
  const clock = new FakeClock();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const { tokens, close } = tokensOf(clock, [[url]]);
  const claims = { iss: url, aud: "gateway", sub: "4711", exp: clock.now() / 1000 + 300 };
  await assert.rejects(tokens.verify(await signToken(key, claims), never), {
    code: "AUTH-009",
    status: 503,
  });
  close();
});
