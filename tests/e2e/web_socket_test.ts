/**
 * WebSockets through a gateway with all checks of requests enabled: the runtime closes the whole
 * listener if an accepted handshake fails afterwards.
 */
import assert from "node:assert/strict";
import { startGateway } from "../fixtures/gateway_process.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { serveLoopback } from "../fixtures/listening.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";

const KEY = "hospital-key";
const HANDSHAKE = {
  "x-api-key": KEY,
  "upgrade": "websocket",
  "connection": "Upgrade",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

Deno.test("WebSocket: it is audited, limited and authorized like any request, and harms no other", async () => {
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-sockets-" });
  const file = `${directory}/trail/audit.jsonl`;
  let delayMs = 0;
  const store = serveLoopback(async (request) => {
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => socket.send("welcome");
    socket.onerror = (event) => event.preventDefault();
    return response;
  });
  const gateway = await startGateway({
    Audit: { File: file },
    Authentication: { ApiKeys: { Header: "X-API-Key", Keys: { viewer: `sha256:${sha256(KEY)}` } } },
    Permissions: [{ Subjects: ["key:viewer"], Transactions: ["worklist"] }],
    RateLimitRequests: 100,
    Servers: {
      main: { Url: `${store.url}/dicom-web`, ProviderType: "none" },
    },
  });
  const open = async (id: string) => {
    const client = await RawClient.connect(gateway.url);
    const target = "/dicom-web/main/subscribers/VIEWER";
    await client.write(client.head("GET", target, { ...HANDSHAKE, "x-request-id": id }));
    return client;
  };
  {
    using client = await open("opened");
    assert.equal((await client.answer()).status, 101);
    delayMs = 200;
    (await open("left"))[Symbol.dispose]();
    await new Promise((resolve) => setTimeout(resolve, 500));
    delayMs = 0;
    using other = await open("after");
    assert.equal((await other.answer()).status, 101);
  }
  assert.doesNotMatch(gateway.output(), /ERROR|INT-001|crashed/);
  await gateway.stop();
  const records = (await Deno.readTextFile(file)).split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  const recordOf = (id: string) => {
    const { subject, outcome, status, transaction } = records.find(({ request_id }) =>
      request_id === id
    );
    return [subject, outcome, status, transaction];
  };
  const opened = ["key:viewer", "complete", 101, "open-notification-channel"];
  assert.deepEqual(recordOf("opened"), opened);
  assert.deepEqual(recordOf("after"), opened);
  await store.shutdown();
  await Deno.remove(directory, { recursive: true });
});
