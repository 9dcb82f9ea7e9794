import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { decodeJwt, decodeProtectedHeader } from "jose";
import type { KeyAssertion } from "../../../src/config/schemes/oauth2/client_authentication.ts";
import { readPrivateKey, signingKey } from "../../../src/config/values/signing_key.ts";
import {
  type AuthenticationTarget,
  defaultAudience,
  privateKeyAssertion,
} from "../../../src/credentials/oauth2/client_assertion.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";

const target: AuthenticationTarget = { tokenEndpoint: "https://idp.test/token" };
const pem = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
  format: "pem",
  type: "pkcs8",
});

function configured(changes: Partial<KeyAssertion> = {}, keyId?: string): KeyAssertion {
  return {
    method: "private_key_jwt",
    keys: [signingKey(readPrivateKey(String(pem)).key!, "ES256", keyId)],
    assertion: { audience: undefined, lifetimeSeconds: 300 },
    ...changes,
  };
}

Deno.test("An assertion contains issuer, subject, audience and times, and a jti that is never repeated", async () => {
  const clock = new FakeClock();
  const sign = privateKeyAssertion("the client", configured(), clock);
  const nowSeconds = clock.now() / 1000;
  const { jti, ...claims } = decodeJwt(await sign(target));
  assert.deepEqual(claims, {
    iss: "the client",
    sub: "the client",
    aud: "https://idp.test/token",
    iat: nowSeconds - 5,
    nbf: nowSeconds - 5,
    exp: nowSeconds + 295,
  });
  const others = await Promise.all(Array.from({ length: 50 }, () => sign(target)));
  assert.equal(new Set([jti, ...others.map((each) => decodeJwt(each).jti)]).size, 51);
});

Deno.test("An assertion's header names the key and the certificate if configured", async () => {
  const clock = new FakeClock();
  const plain = await privateKeyAssertion("c", configured(), clock)(target);
  assert.deepEqual(decodeProtectedHeader(plain), { alg: "ES256", typ: "JWT" });
  const certificate = { sha1: "c2hhMQ", sha256: "c2hhMjU2", expiresAtMs: 0 };
  const full = await privateKeyAssertion("c", configured({ certificate }, "2026"), clock)(target);
  assert.deepEqual(decodeProtectedHeader(full), {
    alg: "ES256",
    typ: "JWT",
    kid: "2026",
    x5t: "c2hhMQ",
    "x5t#S256": "c2hhMjU2",
  });
});

Deno.test("A configured audience overrides that of a known provider", async () => {
  const assertion = { audience: "urn:mine", lifetimeSeconds: 60 };
  const sign = privateKeyAssertion("c", configured({ assertion }), new FakeClock());
  const tokenEndpoint = "https://tenant.auth0.com/oauth/token";
  assert.equal(decodeJwt(await sign({ tokenEndpoint })).aud, "urn:mine");
});

const audiences: [target: AuthenticationTarget, audience: string, source: string][] = [
  [target, "https://idp.test/token", "RFC 7523, section 3"],
  [{ ...target, issuer: "https://idp.test" }, "https://idp.test", "the issuer where it is known"],
  [
    { tokenEndpoint: "https://t.us.auth0.com/oauth/token" },
    "https://t.us.auth0.com/",
    "Auth0: the domain with a slash",
  ],
  [
    { tokenEndpoint: "https://c.okta.com/oauth2/v1/token", issuer: "https://c.okta.com" },
    "https://c.okta.com/oauth2/v1/token",
    "Okta: the token endpoint",
  ],
  [
    { tokenEndpoint: "https://login.test/oauth/token", provider: "auth0" },
    "https://login.test/",
    "Auth0 with a domain of one's own",
  ],
];
for (const [to, audience, source] of audiences) {
  Deno.test(`defaultAudience is ${audience} (${source})`, () => {
    assert.equal(defaultAudience(to), audience);
  });
}
