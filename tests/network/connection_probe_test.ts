import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { hasDnsAnswer } from "../../src/network/connection_probe.ts";

/** A DNS server that knows no name (RFC 1035, section 4.1.1: RCODE 3, "name error"). */
async function withDnsServer(
  isSilent: boolean,
  use: (nameServer: { ipAddr: string; port: number }) => Promise<void>,
): Promise<void> {
  const server = createSocket("udp4");
  server.on("message", (query, { port, address }) => {
    if (isSilent) return;
    const answer = new Uint8Array(query);
    answer[2] = 0x81;
    answer[3] = 0x83;
    server.send(answer, port, address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use({ ipAddr: "127.0.0.1", port: server.address().port });
  } finally {
    server.close();
    await once(server, "close");
  }
}

for (const isSilent of [false, true]) {
  Deno.test(`hasDnsAnswer: ${isSilent ? "no answer of a DNS server is none" : "“no such name” is an answer"}`, () =>
    withDnsServer(isSilent, async (nameServer) => {
      const timeoutMs = isSilent ? 300 : 30_000;
      assert.equal(await hasDnsAnswer("pacs.example", timeoutMs, nameServer), !isSilent);
    }));
}
