import assert from "node:assert/strict";
import type { Authorization } from "../../src/credentials/authorizer.ts";
import { withHeaders } from "../../src/credentials/with_headers.ts";
import { CountingAuthorizer } from "../fixtures/counting_authorizer.ts";
import { forward, withStore } from "../upstream/store_harness.ts";

const KEY = { "ocp-apim-subscription-key": "k3y-of-apim" };

Deno.test("withHeaders sends a key beside the token, also with the token that replaces a rejected one", async () => {
  const authorizer = withHeaders(new CountingAuthorizer(), KEY);
  const answer = (_: unknown, number: number) =>
    number === 1 ? new Response(null, { status: 401 }) : new Response("[]");
  await withStore(answer, async (store, seen) => {
    const response = await forward(store, "/studies", {
      headers: { "Ocp-Apim-Subscription-Key": "of the client" },
    });
    assert.equal(await response.text(), "[]");
    assert.deepEqual(seen.map(({ headers }) => headers.get("authorization")), [
      "Bearer t1",
      "Bearer t2",
    ]);
    for (const { headers } of seen) {
      assert.equal(headers.get("ocp-apim-subscription-key"), "k3y-of-apim");
    }
  }, { authorizer });
});

Deno.test("withHeaders: a key that the store's error echoes is masked", async () => {
  const authorizer = withHeaders(new CountingAuthorizer(), KEY);
  await withStore(() => new Response("no k3y-of-apim", { status: 403 }), async (store) => {
    assert.equal(await (await forward(store, "/studies")).text(), "no ***********");
  }, { authorizer });
});

Deno.test("withHeaders: the authorizer recognizes its authorization, and overrides headers", async () => {
  const own: Authorization = { headers: { authorization: "Bearer t" }, url: "https://signed" };
  const invalidated: Authorization[] = [];
  const inner = new CountingAuthorizer();
  inner.authorize = () => Promise.resolve(own);
  inner.invalidate = (authorization) => {
    invalidated.push(authorization);
    return Promise.resolve(true);
  };
  const outer = withHeaders(inner, { ...KEY, authorization: "Basic x" });
  const request = {} as never;
  const authorization = await outer.authorize(request);
  assert.deepEqual(authorization, {
    headers: { ...KEY, authorization: "Bearer t" },
    url: "https://signed",
  });
  assert.equal(await outer.authorize(request), authorization, "the same for the same");
  await outer.invalidate(authorization, new Response(null, { status: 401 }));
  assert.equal(invalidated[0], own);
  assert.equal(withHeaders(inner, {}), inner);
});
