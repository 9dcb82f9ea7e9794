/**
 * A store with `Http2`: bodies arrive complete both ways, and truncated ones fail. Its responses to uploads
 * that it has not read are those over HTTP/1.1 (`early_answers_test.ts`).
 */
import assert from "node:assert/strict";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { within } from "../fixtures/deadline.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";

const LIMIT_MS = 20_000;
const BODY = new Uint8Array(5_000_000).map((_, at) => at % 251);

/** What the store does, by the last segment of the path. */
const MANNERS: Record<string, (request: Request) => Response | Promise<Response>> = {
  echo: async (request) => new Response(await request.bytes()),
  // Over HTTP/1.1 there is a Host.
  request: async ({ method, headers, body }) => {
    const bytes = body === null ? 0 : (await new Response(body).bytes()).length;
    return Response.json([method, headers.has("host"), headers.get("content-length"), bytes]);
  },
  cut: () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(BODY),
        pull: (controller) => controller.error(new Error("cut")),
      }, { highWaterMark: 0 }),
    ),
};

Deno.test(needing(OPENSSL, {
  name: "An HTTP/2 store receives and sends complete bodies",
  async fn(t) {
    await using authority = await CertificateAuthority.create();
    const { certificatePem: cert, keyPem: key } = await authority.issue({
      commonName: "store",
      purpose: "server",
    });
    const store = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: 0,
        cert,
        key,
        onListen: () => {},
        onError: () => new Response(),
      },
      (request) => MANNERS[request.url.slice(request.url.lastIndexOf("/") + 1)]!(request),
    );
    const ca = await Deno.makeTempFile({ suffix: ".crt" });
    await Deno.writeTextFile(ca, authority.certificatePem);
    await using gateway = await startGateway({
      Servers: {
        main: {
          Url: `https://127.0.0.1:${store.addr.port}/dicom-web`,
          ProviderType: "none",
          VerifySSL: ca,
          Http2: true,
        },
      },
    });
    const ask = (manner: string, init: RequestInit & { client?: Deno.HttpClient } = {}) =>
      within(LIMIT_MS, "an answer", fetch(`${gateway.url}/dicom-web/main/${manner}`, init));

    await t.step("only GET and HEAD over HTTP/2, which GOAWAY ends at any time", async () => {
      assert.deepEqual(await (await ask("request")).json(), ["GET", false, null, 0]);
      const deleted = await ask("request", { method: "DELETE" });
      assert.deepEqual(await deleted.json(), ["DELETE", true, null, 0]);
      const posted = await ask("request", { method: "POST" });
      assert.deepEqual(await posted.json(), ["POST", true, "0", 0]);
    });
    await t.step("a body with its length, and in chunks", async () => {
      const response = await ask("request", { method: "POST", body: BODY });
      const length = BODY.length;
      assert.deepEqual(await response.json(), ["POST", true, String(length), length]);
      for (const body of [BODY, new Blob([BODY]).stream()]) {
        const echo = await ask("echo", { method: "POST", body });
        assert.deepEqual(await echo.bytes(), BODY);
      }
    });
    await t.step("a response that breaks off", async () => {
      const cut = await ask("cut");
      assert.equal(cut.status, 200);
      await assert.rejects(cut.bytes());
    });
    await gateway.stop();
    await store.shutdown();
    await Deno.remove(ca);
  },
}));
