import assert from "node:assert/strict";
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { Hono } from "hono";
import { bearerGate } from "../../src/demo/bearer_gate.ts";
import { Problem } from "../../src/demo/problem.ts";
import { startStore } from "./running_store.ts";

async function ask(
  url: string,
  authorization?: string,
): Promise<[status: number, challenge: string | null]> {
  const response = await fetch(
    url,
    authorization === undefined ? {} : { headers: { Authorization: authorization } },
  );
  await response.body?.cancel();
  return [response.status, response.headers.get("www-authenticate")];
}

Deno.test("the store rejects requests without a valid token", async (t) => {
  let nowMs = Date.now();
  await using running = await startStore({ now: () => nowMs });
  const { store, provider } = running;
  const url = `${store.url}/studies`;
  const valid = await running.token();
  const stranger = await generateKeyPair("ES256");
  const forged = await new SignJWT({ scope: "dicomweb" })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt" })
    .setIssuer(provider.issuer)
    .setAudience("https://store.example")
    .setExpirationTime("1h")
    .sign(stranger.privateKey);
  const unsigned = [{ alg: "none", typ: "at+jwt" }, JSON.parse(atob(valid.split(".")[1]!))]
    .map((part) => btoa(JSON.stringify(part)).replace(/=+$/, "")).join(".") + ".";
  const rows: [why: string, authorization: string | undefined, status: number, code: string][] = [
    ["no token", undefined, 401, ""],
    ["another scheme", "Basic eDp5", 401, ""],
    ["something that is no token", "Bearer x", 401, "invalid_token"],
    ["a token signed by a stranger", `Bearer ${forged}`, 401, "invalid_token"],
    ["a token without a signature", `Bearer ${unsigned}`, 401, "invalid_token"],
    [
      "a token for another audience",
      `Bearer ${await running.token({ audience: "https://other.example" })}`,
      401,
      "invalid_token",
    ],
    [
      "a token of another scope",
      `Bearer ${await running.token({ scope: "other" })}`,
      403,
      "insufficient_scope",
    ],
  ];
  for (const [why, authorization, status, code] of rows) {
    await t.step(why, async () => {
      const challenge = 'Bearer realm="demo"' + (code && `, error="${code}"`);
      assert.deepEqual(await ask(url, authorization), [status, challenge]);
    });
  }
  assert.equal(store.authorizedRequests, 0);
  await t.step("accepts a valid token until it expires", async () => {
    assert.deepEqual(await ask(url, `Bearer ${valid}`), [200, null]);
    nowMs += 61_000;
    assert.deepEqual(await ask(url, `Bearer ${valid}`), [
      401,
      'Bearer realm="demo", error="invalid_token"',
    ]);
    assert.equal(store.authorizedRequests, 1);
  });
});

Deno.test("the store answers 503 while it cannot fetch the identity provider's keys", async () => {
  await using running = await startStore();
  const token = await running.token();
  await running.provider.close();
  assert.equal((await ask(`${running.store.url}/studies`, `Bearer ${token}`))[0], 503);
});

Deno.test("the gate accepts only access tokens of its issuer that expire", async (t) => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const app = new Hono();
  app.use(bearerGate({
    keys: createLocalJWKSet({ keys: [await exportJWK(publicKey)] }),
    issuer: "https://idp.example",
    audience: "https://store.example",
    scope: "dicomweb",
    now: Date.now,
    onAuthorized: () => {},
  }));
  app.get("/", (c) => c.text("in"));
  app.onError((error) => error instanceof Problem ? error.toResponse() : new Response(`${error}`));
  const seconds = Math.floor(Date.now() / 1000);
  const payload: JWTPayload = {
    iss: "https://idp.example",
    aud: ["https://store.example", "https://other.example"],
    scope: "openid dicomweb",
    exp: seconds + 60,
  };
  const { exp: _exp, ...endless } = payload;
  const rows: [why: string, typ: string, payload: JWTPayload, status: number][] = [
    ["an access token", "at+jwt", payload, 200],
    ["an ID token", "JWT", payload, 401],
    ["a token of another issuer", "at+jwt", { ...payload, iss: "https://other.example" }, 401],
    ["a token that never expires", "at+jwt", endless, 401],
    ["a token that is not valid yet", "at+jwt", { ...payload, nbf: seconds + 60 }, 401],
    ["a token without a scope", "at+jwt", { ...payload, scope: undefined }, 403],
  ];
  for (const [why, typ, claims, status] of rows) {
    await t.step(`${why}: ${status}`, async () => {
      const token = await new SignJWT(claims).setProtectedHeader({ alg: "ES256", typ }).sign(
        privateKey,
      );
      const response = await app.request("/", { headers: { Authorization: `Bearer ${token}` } });
      assert.equal(response.status, status);
    });
  }
});
