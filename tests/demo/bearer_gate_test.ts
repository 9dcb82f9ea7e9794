import assert from "node:assert/strict";
import { generateKeyPair, SignJWT } from "jose";
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

Deno.test("the store refuses whoever has no valid token for it", async (t) => {
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
  assert.deepEqual([store.authorizedRequests, store.refusedRequests], [0, rows.length]);
  await t.step("and lets in whoever has one, until it expires", async () => {
    assert.deepEqual(await ask(url, `Bearer ${valid}`), [200, null]);
    nowMs += 61_000;
    assert.deepEqual(await ask(url, `Bearer ${valid}`), [
      401,
      'Bearer realm="demo", error="invalid_token"',
    ]);
    assert.equal(store.authorizedRequests, 1);
  });
});

Deno.test("the store answers 503 while the identity provider's keys cannot be had", async () => {
  await using running = await startStore();
  const token = await running.token();
  await running.provider.close();
  assert.equal((await ask(`${running.store.url}/studies`, `Bearer ${token}`))[0], 503);
});
