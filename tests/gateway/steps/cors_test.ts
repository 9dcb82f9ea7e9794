import assert from "node:assert/strict";
import { Hono } from "hono";
import { allowBrowsers } from "../../../src/gateway/steps/cors.ts";
import { setDestination } from "../../../src/gateway/destination.ts";
import type { GatewayEnv } from "../../../src/gateway/gateway_env.ts";

const VIEWER = "https://viewer.example:3000";

function gateway(allowedOrigins: string[] = [VIEWER]): Hono<GatewayEnv> {
  return new Hono<GatewayEnv>()
    .use(setDestination())
    .use(allowBrowsers({ allowedOrigins }))
    .all("*", (c) => c.text(`store answered ${c.req.raw.method}`));
}

async function ask(app: Hono<GatewayEnv>, init: RequestInit): Promise<Response> {
  return await app.request("/dicom-web/main/studies", init);
}

Deno.test("Cors: a preflight of an allowed origin is answered by the gateway", async () => {
  const response = await ask(gateway(), {
    method: "OPTIONS",
    headers: {
      origin: VIEWER,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type",
    },
  });
  assert.equal(response.status, 204);
  assert.equal(response.headers.get("access-control-allow-origin"), VIEWER);
  assert.match(response.headers.get("access-control-allow-methods") ?? "", /DELETE/);
  assert.equal(
    response.headers.get("access-control-allow-headers")?.replaceAll(" ", ""),
    "authorization,content-type",
  );
});

Deno.test("Cors: responses to an allowed origin expose the headers that DICOMweb clients read", async () => {
  const response = await ask(gateway(), { headers: { origin: VIEWER } });
  assert.equal(await response.text(), "store answered GET");
  assert.equal(response.headers.get("access-control-allow-origin"), VIEWER);
  assert.match(response.headers.get("access-control-expose-headers") ?? "", /ETag/);
  assert.equal(response.headers.get("vary"), "Origin");
  assert.equal(response.headers.get("cross-origin-resource-policy"), "cross-origin");
});

Deno.test("Cors: the answer to a request without Origin is not cached for those with one", async () => {
  for (const allowed of [[VIEWER], ["*"]]) {
    for (const headers of [{}, { origin: VIEWER }, { origin: "https://evil.example" }]) {
      const response = await ask(gateway(allowed), { headers: headers as HeadersInit });
      assert.equal(await response.text(), "store answered GET");
      assert.equal(response.headers.get("vary"), "Origin");
    }
  }
});

Deno.test("Cors: only pages of an allowed origin may embed an answer", async () => {
  const rows: [HeadersInit, string | null][] = [
    [{ referer: `${VIEWER}/viewer` }, "cross-origin"],
    [{ referer: "https://evil.example/?https://viewer.example:3000/" }, null],
    [{ origin: "https://evil.example", referer: `${VIEWER}/` }, null],
    [{ referer: "no URL" }, null],
    [{}, null],
  ];
  for (const [headers, policy] of rows) {
    const response = await ask(gateway(), { headers });
    await response.body?.cancel();
    assert.equal(response.headers.get("cross-origin-resource-policy"), policy);
  }
});

for (
  const origin of [
    "https://evil.example",
    "https://viewer.example",
    `${VIEWER}.evil.example`,
    "null",
  ]
) {
  Deno.test(`Cors: ${origin} gets no permission, neither for a preflight nor for an answer`, async () => {
    for (const method of ["OPTIONS", "GET"]) {
      const response = await ask(gateway(), {
        method,
        headers: { origin, "access-control-request-method": "GET" },
      });
      await response.body?.cancel();
      assert.equal(response.headers.get("access-control-allow-origin"), null);
    }
  });
}

Deno.test("Cors: an OPTIONS request that is no preflight asks the store for its capabilities", async () => {
  for (const headers of [{}, { origin: VIEWER }] as HeadersInit[]) {
    const response = await ask(gateway(), { method: "OPTIONS", headers });
    assert.equal(await response.text(), "store answered OPTIONS");
  }
});

Deno.test("Cors: * allows every page, without credentials of its own", async () => {
  const response = await ask(gateway(["*"]), { headers: { origin: "https://any.example" } });
  await response.body?.cancel();
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  assert.equal(response.headers.get("access-control-allow-credentials"), null);
});
