import assert from "node:assert/strict";
import { Hono } from "hono";
import { refuseForeignChanges } from "../../src/gateway/foreign_pages.ts";
import type { GatewayEnv } from "../../src/gateway/gateway_env.ts";
import { asGatewayError, problemResponse } from "../../src/gateway/problem.ts";

/** Method and headers → whether the gateway at gateway:8043, with viewer.example allowed, takes them. */
const rows: readonly [method: string, headers: Record<string, string>, taken: boolean][] = [
  ["POST", {}, true],
  ["POST", { origin: "https://viewer.example" }, true],
  ["POST", { origin: "https://evil.example" }, false],
  ["POST", { origin: "https://viewer.example.evil.example" }, false],
  ["POST", { origin: "null" }, false],
  ["POST", { origin: "" }, false],
  ["DELETE", { origin: "https://evil.example" }, false],
  ["PUT", { origin: "https://evil.example" }, false],
  ["PATCH", { origin: "https://evil.example" }, false],
  ["GET", { origin: "https://evil.example" }, true],
  ["HEAD", { origin: "https://evil.example" }, true],
  ["OPTIONS", { origin: "https://evil.example" }, true],
  // A page of the gateway's own, as older browsers tell it and as a proxy with TLS makes it.
  ["POST", { origin: "http://gateway:8043" }, true],
  ["POST", { origin: "https://gateway:8043" }, true],
  ["POST", { origin: "http://gateway:9999" }, false],
  // What the browser says itself decides where it does.
  ["POST", { origin: "https://pacs.example", "sec-fetch-site": "same-origin" }, true],
  ["POST", { origin: "http://gateway:8043", "sec-fetch-site": "cross-site" }, false],
  ["POST", { origin: "https://a.pacs.example", "sec-fetch-site": "same-site" }, false],
];

function gateway(allowedOrigins: readonly string[]): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.use(refuseForeignChanges({ allowedOrigins }));
  app.all("*", (c) => c.text("stored"));
  app.onError((error) => problemResponse(asGatewayError(error), "id"));
  return app;
}

for (const [method, headers, taken] of rows) {
  Deno.test(`Cross-site requests: ${method} ${JSON.stringify(headers)} is ${taken ? "taken" : "refused"}`, async () => {
    const request = new Request("http://gateway:8043/dicom-web/main/studies", { method, headers });
    const response = await gateway(["https://viewer.example"]).fetch(request);
    const text = await response.text();
    assert.equal(response.status, taken ? 200 : 403);
    if (!taken) assert.match(text, /AUTH-004/);
  });
}

Deno.test("Cross-site requests: where every origin is allowed, changes of every page are taken", async () => {
  const headers = { origin: "https://any.example" };
  const request = new Request("http://gateway:8043/", { method: "POST", headers });
  assert.equal((await gateway(["*"]).fetch(request)).status, 200);
});
