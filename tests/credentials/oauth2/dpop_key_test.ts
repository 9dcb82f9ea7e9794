import assert from "node:assert/strict";
import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, jwtVerify } from "jose";
import { DpopKey } from "../../../src/credentials/oauth2/dpop_key.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";

const URL_WITH_QUERY = "https://store.test:8443/dicom-web/studies?PatientName=Mill%C3%A9r#x";
const clock = new FakeClock();

async function claims(key: DpopKey, url = URL_WITH_QUERY): Promise<Record<string, unknown>> {
  const currentDate = new Date(clock.now());
  const proof = await key.proof({ method: "GET", url });
  return (await jwtVerify(proof, EmbeddedJWK, { typ: "dpop+jwt", currentDate })).payload;
}

Deno.test("A proof names method, URL without query, and time, and its own key verifies it", async () => {
  const { jti, ...rest } = await claims(new DpopKey(clock));
  assert.deepEqual(rest, {
    htm: "GET",
    htu: "https://store.test:8443/dicom-web/studies",
    iat: clock.now() / 1000,
  });
  assert.match(String(jti), /^[0-9a-f-]{36}$/);
});

Deno.test("A proof contains only the public half of the key that tokens are bound to", async () => {
  const key = new DpopKey(clock);
  const { jwk } = decodeProtectedHeader(await key.proof({ method: "GET", url: URL_WITH_QUERY }));
  assert.deepEqual(Object.keys(jwk ?? {}).sort(), ["crv", "kty", "x", "y"]);
  assert.equal(await calculateJwkThumbprint(jwk!), key.thumbprint);
  assert.notEqual(new DpopKey(clock).thumbprint, key.thumbprint);
});

Deno.test("A proof is bound to the token of the request", async () => {
  // RFC 9449, section 7.1
  const accessToken = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
  const key = new DpopKey(clock);
  const proof = await key.proof({ method: "GET", url: URL_WITH_QUERY, accessToken });
  const { payload } = await jwtVerify(proof, EmbeddedJWK, { currentDate: new Date(clock.now()) });
  assert.equal(payload["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
});

Deno.test("Every proof is unique", async () => {
  const key = new DpopKey(clock);
  const all = await Promise.all(Array.from({ length: 50 }, () => claims(key)));
  assert.equal(new Set(all.map(({ jti }) => jti)).size, 50);
});

Deno.test("The nonce of a server is used in proofs for that server only", async () => {
  const key = new DpopKey(clock);
  const answer = new Headers({ "dpop-nonce": "n-1" });
  assert.equal(key.learnNonce("https://store.test:8443/other?x", answer), true);
  assert.equal(key.learnNonce("https://store.test:8443/", answer), false);
  assert.equal(key.learnNonce("https://store.test:8443/", new Headers()), false);
  assert.equal((await claims(key))["nonce"], "n-1");
  assert.equal((await claims(key, "https://store.test/"))["nonce"], undefined);
  assert.equal(key.learnNonce(URL_WITH_QUERY, new Headers({ "dpop-nonce": "n-2" })), true);
  assert.equal((await claims(key))["nonce"], "n-2");
});
