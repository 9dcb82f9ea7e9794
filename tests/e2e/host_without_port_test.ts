/** Clients that send `Host` without the port of the gateway, as Python's dicomweb-client does. */
import assert from "node:assert/strict";
import { startGateway } from "../fixtures/gateway_process.ts";
import { freePort, serveLoopback } from "../fixtures/listening.ts";
import { RawClient } from "../fixtures/raw_client.ts";

const WARNING = /A client sends Host without a port/;

/** The Retrieve URL in the answer to a search with the header `Host: 127.0.0.1`. */
async function retrieveUrl(gateway: string): Promise<string> {
  using client = await RawClient.connect(gateway);
  await client.write(client.head("GET", "/dicom-web/main/studies", { host: "127.0.0.1" }));
  const { text } = await client.answerText();
  return JSON.parse(text)[0]["00081190"].Value[0];
}

Deno.test("a client that sends Host without a port gets URLs of PublicUrl; without it, the log says so once", async () => {
  await using store = serveLoopback((request) =>
    Response.json([{ "00081190": { vr: "UR", Value: [`${request.url}/1.2`] } }], {
      headers: { "content-type": "application/dicom+json" },
    })
  );
  const Servers = { main: { Url: `${store.url}/rs`, ProviderType: "none" } };
  {
    await using gateway = await startGateway({ Servers });
    for (let count = 0; count < 3; count++) {
      assert.equal(
        await retrieveUrl(gateway.url),
        "http://127.0.0.1/dicom-web/main/studies/1.2",
      );
    }
    await gateway.until(WARNING);
    await gateway.stop();
    assert.equal(gateway.output().split(WARNING).length, 2, gateway.output());
  }
  const Port = freePort();
  const PublicUrl = `http://127.0.0.1:${Port}`;
  await using gateway = await startGateway({
    Servers,
    Listen: { Address: "127.0.0.1", Port },
    PublicUrl,
  });
  assert.equal(await retrieveUrl(gateway.url), `${PublicUrl}/dicom-web/main/studies/1.2`);
  await gateway.stop();
  assert.doesNotMatch(gateway.output(), WARNING);
});
