import assert from "node:assert/strict";
import { jwksRoute, type PublicJwk } from "../../src/gateway/jwks_route.ts";

const PATH = "/.well-known/jwks.json";
const keys: PublicJwk[] = [
  { kty: "EC", crv: "P-384", x: "x", y: "y", kid: "new", alg: "ES384", use: "sig" },
  { kty: "OKP", crv: "Ed25519", x: "x", kid: "old", alg: "EdDSA", use: "sig" },
];

Deno.test("The public keys are published as a JWK Set that may be cached for minutes", async () => {
  const response = await jwksRoute(keys).request(PATH);
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
  assert.equal(response.headers.get("cache-control"), "public, max-age=300");
  assert.deepEqual(await response.json(), { keys });
});

Deno.test("There is no key set where no keys sign", async () => {
  assert.equal((await jwksRoute([]).request(PATH)).status, 404);
});
