import assert from "node:assert/strict";
import { Hono } from "hono";
import type { GatewayEnv, PageParts, PublicJwk } from "../../src/gateway/gateway_env.ts";
import { answerPage } from "../../src/gateway/pages/answer_page.ts";
import { destinationOf } from "../../src/gateway/destination.ts";
import { asGatewayError, problemResponse } from "../../src/gateway/problem.ts";

const PATH = "/.well-known/jwks.json";
const keys: PublicJwk[] = [
  { kty: "EC", crv: "P-384", x: "x", y: "y", kid: "new", alg: "ES384", use: "sig" },
  { kty: "OKP", crv: "Ed25519", x: "x", kid: "old", alg: "EdDSA", use: "sig" },
];

async function askForKeys(publicKeys: readonly PublicJwk[]): Promise<Response> {
  const app = new Hono<GatewayEnv>().all("*", (c) => {
    const destination = destinationOf(c.req.raw);
    assert(destination.kind === "page");
    return answerPage(c, destination, { publicKeys } as PageParts);
  });
  app.onError((error) => problemResponse(asGatewayError(error), "id"));
  return await app.request(PATH);
}

Deno.test("The public keys are published as a JWK Set that may be cached for minutes", async () => {
  const response = await askForKeys(keys);
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
  assert.equal(response.headers.get("cache-control"), "public, max-age=300");
  assert.deepEqual(await response.json(), { keys });
});

Deno.test("The key set is 404 if no keys are published", async () => {
  assert.equal((await askForKeys([])).status, 404);
});
