import assert from "node:assert/strict";
import { JWT_LIKE, maskJwt } from "../../src/telemetry/jwt_mask.ts";

Deno.test("maskJwt masks JWTs, and keeps other text that begins like one", () => {
  assert.equal("token eyJh.eyJi.c, eyJ".replace(JWT_LIKE, maskJwt("***")), "token ***, eyJ");
});
