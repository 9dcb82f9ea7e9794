/**
 * What log, status page and API of a running gateway say about an upload that the store did not accept.
 */
import assert from "node:assert/strict";
import { startGateway } from "../fixtures/gateway_process.ts";
import { serveLoopback } from "../fixtures/listening.ts";
import { hashes, instances, STOW_TYPE, stowBody } from "../fixtures/stow_request.ts";

const REPORT_TYPE = "application/dicom+json";

/** A report that stores none of the instances, for the reason "processing failure". */
function rejection(uids: Iterable<string>): Response {
  const items = [...uids].map((uid) => ({
    "00081155": { vr: "UI", Value: [uid] },
    "00081197": { vr: "US", Value: [0x0110] },
  }));
  const body = JSON.stringify({ "00081198": { vr: "SQ", Value: items } });
  return new Response(body, { status: 409, headers: { "content-type": REPORT_TYPE } });
}

async function bodyOf(sent: ReturnType<typeof instances>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(ReadableStream.from(stowBody(sent))).arrayBuffer());
}

Deno.test("A rejected upload is one log line with counts and request ID, and stays on the page until one succeeds", async () => {
  const sent = instances(3);
  const uids = [...hashes(sent).keys()];
  let answer = () => rejection(uids);
  const store = serveLoopback(async (request) => {
    await request.body?.pipeTo(new WritableStream());
    return request.method === "POST" ? answer() : Response.json([]);
  });
  await using gateway = await startGateway({
    Servers: { archive: { Url: store.url, ProviderType: "none" } },
    Workers: 2,
    LogFormat: "json",
  });
  try {
    const upload = async () => {
      const response = await fetch(`${gateway.url}/dicom-web/archive/studies`, {
        method: "POST",
        headers: { "content-type": STOW_TYPE, "x-request-id": "upload-of-the-test" },
        body: await bodyOf(sent),
      });
      await response.body?.cancel();
      return response.status;
    };
    const search = async () => {
      const response = await fetch(`${gateway.url}/dicom-web/archive/studies`);
      await response.body?.cancel();
    };
    const server = async () => {
      const response = await fetch(`${gateway.url}/dicomweb-oauth/servers`);
      return (await response.json()).data.servers[0];
    };
    const page = async () => await (await fetch(`${gateway.url}/`)).text();

    assert.equal(await upload(), 409);
    await gateway.until(/Store did not store every instance/);
    const lines = gateway.output().split("\n").filter((line) => line.includes('"status":409'));
    assert.equal(lines.length, 1, lines.join("\n"));
    const { sent: count, stored, failed, reasons, request_id } = JSON.parse(lines[0]!);
    assert.deepEqual([count, stored, failed, reasons], [3, 0, 3, "processing failure (0110)"]);
    assert.equal(request_id, "upload-of-the-test");

    await search();
    const { health, failed_upload, last_request } = await server();
    assert.equal(health, "rejecting");
    assert.equal(last_request.store_status, 200);
    const { at: _, ...facts } = failed_upload;
    assert.deepEqual(facts, {
      store_status: 409,
      sent: 3,
      stored: 0,
      failed: 3,
      failure_reasons: ["0110"],
      error: null,
    });
    assert.match(
      await page(),
      /1 of 1 server does not store uploads.*Uploads fail.*Not stored: 3 of 3 instances: processing failure \(0110\)/s,
    );

    answer = () => new Response("disk full", { status: 507 });
    assert.equal(await upload(), 507);
    await search();
    assert.match(await page(), /Uploads fail.*the store answered 507.*out of disk space/s);

    answer = () => new Response("bad", { status: 400 });
    assert.equal(await upload(), 400);
    await search();
    assert.match(await page(), /Uploads fail.*the store answered 400.*check Profile/s);

    const stored_ = uids.map((uid) => ({ "00081155": { vr: "UI", Value: [uid] } }));
    answer = () =>
      new Response(JSON.stringify({ "00081199": { vr: "SQ", Value: stored_ } }), {
        headers: { "content-type": REPORT_TYPE },
      });
    assert.equal(await upload(), 200);
    const after = await server();
    assert.deepEqual([after.health, after.failed_upload], ["working", null]);
    assert.doesNotMatch(await page(), /upload failed/);
  } finally {
    await store.shutdown();
  }
});
