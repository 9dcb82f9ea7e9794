/**
 * A store that stalls within a response occupies a client until `TransferSeconds`, and no longer.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { startRawOrigin } from "../fixtures/raw_origin.ts";

Deno.test("A stalled response breaks off after TransferSeconds, even if its chunks are not watched", async () => {
  const origin = startRawOrigin(async (exchange) => {
    await exchange.writeHead(200, { "content-type": "application/dicom", "content-length": "10" });
    await exchange.write("half ");
    await exchange.untilGone();
  });
  await using gateway = await startGateway({
    Servers: {
      main: {
        Url: `${origin.url}/dicom-web`,
        ProviderType: "none",
        Timeouts: { TransferSeconds: 1 },
      },
    },
  });
  using client = await RawClient.connect(gateway.url);
  await client.write(client.head("GET", "/dicom-web/main/studies/1.2"));
  const { status, body } = await within(10_000, "an answer", client.answer());
  assert.equal(status, 200);
  await assert.rejects(within(10_000, "its end", Array.fromAsync(body)), { name: "CutError" });
  await origin.close();
});
