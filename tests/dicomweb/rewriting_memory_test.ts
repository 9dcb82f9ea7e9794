/**
 * Rewriters do not retain what passes through them.
 */
import assert from "node:assert/strict";
import { rewriteBody } from "../../src/dicomweb/urls/byte_rewriter.ts";
import { JsonUrlRewriter } from "../../src/dicomweb/urls/json_url_rewriter.ts";
import { createUrlMap } from "../../src/dicomweb/urls/url_map.ts";
import { dicomMetadata, inPieces } from "../fixtures/dicom_metadata.ts";

const MIB = 1024 * 1024;
const STORE = "https://store.example/v2";
const GATEWAY = "https://gateway.hospital.example:8043/dicom-web/main";

Deno.test("500 MB of metadata with 1,000,000 BulkDataURIs leave resident memory flat", async () => {
  const { toGateway } = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY });
  const metadata = dicomMetadata(10_000, STORE);
  const grown = metadata.length + 10_000 * (GATEWAY.length - STORE.length);

  const pass = async (times: number): Promise<{ bytes: number; highest: number }> => {
    let [bytes, highest, pieces] = [0, 0, 0];
    const answer = new Response(inPieces(metadata, 65_536, times));
    const rewritten = await rewriteBody(answer, new JsonUrlRewriter(toGateway));
    assert(rewritten instanceof ReadableStream);
    for await (const piece of rewritten) {
      bytes += piece.length;
      if (pieces++ % 100 === 0) highest = Math.max(highest, Deno.memoryUsage().rss);
    }
    return { bytes, highest };
  };

  const warm = await pass(10);
  const { bytes, highest } = await pass(100);
  assert.equal(bytes, 100 * grown);
  const rise = highest - warm.highest;
  assert.ok(rise < 32 * MIB, `${Math.round(rise / MIB)} MiB more than after the first 50 MB`);
});
