/**
 * Requests that have no body reach the store as such, and are sent again where the documentation says so.
 *
 * @module
 */
import assert from "node:assert/strict";
import { startGateway } from "../fixtures/gateway_process.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { startRawOrigin } from "../fixtures/raw_origin.ts";

const CASES: readonly [method: string, headers: Record<string, string>, sent: number][] = [
  ["DELETE", {}, 2],
  ["DELETE", { "content-length": "0" }, 2],
  ["OPTIONS", {}, 2],
  ["PUT", { "content-length": "0" }, 2],
  ["POST", { "content-length": "0" }, 1],
];

Deno.test("A request without a body reaches the store without one, and again where that does no harm", async (t) => {
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-absent-" });
  const file = `${directory}/trail/audit.jsonl`;
  const framings: (string | null)[] = [];
  const origin = startRawOrigin(async (exchange) => {
    framings.push(exchange.headers.get("transfer-encoding"));
    for await (const _ of exchange.body());
    await exchange.answer(503);
  });
  const server = { Url: origin.url, ProviderType: "headers", Headers: { Authorization: "t" } };
  await using gateway = await startGateway({ Audit: { File: file }, Servers: { main: server } });
  for (const [method, headers, sent] of CASES) {
    await t.step(`${method} ${JSON.stringify(headers)}`, async () => {
      framings.length = 0;
      using client = await RawClient.connect(gateway.url);
      await client.write(client.head(method, "/dicom-web/main/studies/1.2", headers));
      const answer = await client.answer();
      for await (const _ of answer.body);
      assert.equal(answer.status, 503);
      assert.deepEqual(framings, Array.from({ length: sent }, () => null));
    });
  }
  await gateway.stop();
  const records = (await Deno.readTextFile(file)).split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line)).filter(({ event }) => event === "access");
  assert.deepEqual(records.map(({ bytes_received }) => bytes_received), CASES.map(() => 0));
  await origin.close();
  await Deno.remove(directory, { recursive: true });
});
