import assert from "node:assert/strict";
import { BearerAuthorizer } from "../../src/credentials/bearer_authorizer.ts";
import { MINUTE, never, withManager } from "./token_manager_harness.ts";

for (const [status, isAboutTheToken] of [[401, true], [403, false]] as const) {
  const does = isAboutTheToken ? "drops" : "keeps";
  Deno.test(`BearerAuthorizer ${does} a token that the store answers with ${status}`, () =>
    withManager({}, async ({ manager, source }) => {
      const authorizer = new BearerAuthorizer("test", manager);
      const authorization = await authorizer.authorize({ signal: never });
      assert.equal(await authorizer.invalidate(authorization, { status }), isAboutTheToken);
      assert.equal(authorizer.describe().hasToken, !isAboutTheToken);
      await authorizer.authorize({ signal: never });
      assert.equal(source.requests, isAboutTheToken ? 2 : 1);
    }));
}

Deno.test("BearerAuthorizer reports the past expiry of a token that could not be renewed", () =>
  withManager({}, async ({ manager, source, clock }) => {
    const authorizer = new BearerAuthorizer("test", manager);
    await authorizer.authorize({ signal: never });
    const { expiresAtMs } = authorizer.describe();
    source.failWith("AUTH-003");
    await clock.advance(source.lifeMs + MINUTE);
    const { hasToken, ...status } = authorizer.describe();
    assert.deepEqual([hasToken, status.expiresAtMs], [false, expiresAtMs]);
    assert.notEqual(expiresAtMs, undefined);
    await manager.forget("revocation");
    assert.equal(authorizer.describe().expiresAtMs, undefined);
  }));
