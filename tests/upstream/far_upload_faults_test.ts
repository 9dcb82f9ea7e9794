/**
 * Uploads in batches through a faulty line to a faulty store, by the whole gateway.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import type { LineFault } from "../fixtures/far_line/far_line.ts";
import { startFarGateway } from "../fixtures/far_gateway.ts";
import type { RawExchange } from "../fixtures/raw_origin.ts";
import { seededBytes } from "../fixtures/seeded_bytes.ts";
import { startStowOrigin } from "../fixtures/stow_origin.ts";
import { hashes, instances, type TestInstance } from "../fixtures/stow_request.ts";
import {
  isSearch,
  isStore,
  searchStore,
  startVendorStore,
} from "../fixtures/vendor_stores/vendor_store.ts";
import { serveLoopback } from "../fixtures/listening.ts";
import { readStowParts } from "../fixtures/vendor_stores/stow_request.ts";
import { dicomJson, storeReport } from "../fixtures/vendor_stores/vendor_answers.ts";

/** Cuts of the next connections: in the request, or before the answer. */
function cuts(seed: number, count: number): LineFault[] {
  return [...seededBytes(seed, count)].map((byte) => ({
    direction: byte % 3 === 0 ? "down" : "up",
    afterBytes: byte % 3 === 0 ? byte % 40 : byte * 40,
    kind: "cut",
  }));
}

function uids(all: readonly TestInstance[]): string[] {
  return all.map(({ uid }) => uid);
}

for (
  const [profile, vendor] of [["orthanc", "google"], ["google", "google"], [
    "azure",
    "azure",
  ]] as const
) {
  Deno.test(`Connections cut at random in mid-batch: profile ${profile} stores each instance once`, async () => {
    const origin = startStowOrigin({ vendor });
    await using far = await startFarGateway(origin.url, { server: { Profile: profile } });
    for (const seed of [1, 2]) {
      // The second time they exist: Google answers as before, Azure reports duplicates.
      const all = instances(40);
      await far.line.cut();
      await far.line.failNext(cuts(seed, 5));
      const { status, stored, failed } = await far.store(all);
      assert.deepEqual([status, failed], [200, []]);
      assert.deepEqual(stored.toSorted(), uids(all).toSorted());
      assert.deepEqual(origin.stored, hashes(all));
    }
    await origin.close();
  });
}

Deno.test("Connections cut at random in mid-batch: profile generic reports every instance once", async () => {
  for (const seed of [3, 4]) {
    const origin = startStowOrigin({ vendor: "google" });
    await using far = await startFarGateway(origin.url);
    const all = instances(40);
    await far.line.failNext(cuts(seed, 3));
    const { status, stored, failed } = await far.store(all);
    assert.equal(status, 202);
    const named = failed.map((each) => each.split("=")[0]!);
    assert.deepEqual([...stored, ...named].toSorted(), uids(all).toSorted());
    for (const uid of stored) assert.ok(origin.stored.has(uid), uid);
    await origin.close();
  }
});

Deno.test("Of a batch cut before its answer, AWS gets only what its search does not list", async () => {
  const posted: string[][] = [];
  let searches = 0;
  await using store = startVendorStore("/datastore", (request, store) => {
    if (isSearch(request)) {
      searches++;
      return dicomJson(searchStore(store, request, 1000));
    }
    if (!isStore(request)) return new Response(null, { status: 404 });
    const parts = readStowParts(request).map((part) => part!);
    posted.push(parts.map(({ instance }) => instance));
    // The first request is cut off after it has stored half.
    const kept = posted.length === 1 ? parts.slice(0, 2) : parts;
    for (const part of kept) store.archive.add(part);
    return dicomJson(storeReport(store.url, kept, []));
  });
  await using far = await startFarGateway(store.url, {
    server: { Profile: "aws", Rules: { StoreBatchBytes: 8_000, StoreConcurrency: 1 } },
  });
  const all = instances(12);
  await far.line.failNext([{ direction: "down", afterBytes: 0, kind: "cut" }]);
  const { status, stored, failed } = await far.store(all);
  assert.deepEqual([status, failed], [200, []]);
  assert.deepEqual(stored.toSorted(), uids(all).toSorted());
  assert.ok(searches >= 1);
  const [first = [], ...later] = posted;
  assert.ok(first.length > 2);
  assert.ok(later.some((each) => String(each) === String(first.slice(2))), String(later));
  assert.deepEqual(later.flat().toSorted(), uids(all).slice(2).toSorted());
  const archived = store.archive.select({}).map(({ instance }) => instance);
  assert.deepEqual(archived.toSorted(), uids(all).toSorted());
});

Deno.test("A batch that AWS has completely stored before the cut is not sent again", async () => {
  let posts = 0;
  await using store = startVendorStore("/datastore", (request, store) => {
    if (isSearch(request)) return dicomJson(searchStore(store, request, 1000));
    posts++;
    const parts = readStowParts(request).map((part) => part!);
    for (const part of parts) store.archive.add(part);
    return dicomJson(storeReport(store.url, parts, []));
  });
  await using far = await startFarGateway(store.url, {
    server: { Profile: "aws", Rules: { StoreBatchBytes: 100_000 } },
  });
  const all = instances(12);
  await far.line.failNext([{ direction: "down", afterBytes: 0, kind: "cut" }]);
  const { status, stored, failed } = await far.store(all);
  assert.deepEqual([status, failed, posts], [200, [], 1]);
  assert.deepEqual(stored.toSorted(), uids(all).toSorted());
});

async function drain(exchange: RawExchange): Promise<void> {
  for await (const _ of exchange.body());
}

for (const [status, most] of [[429, 1], [503, 2]] as const) {
  Deno.test(`A store that takes ${most} batches at once, else ${status}, gets all of a long upload`, async () => {
    let atOnce = 0;
    const origin = startStowOrigin({
      vendor: "google",
      play: async (exchange) => {
        if (atOnce >= most) {
          await drain(exchange);
          await exchange.answer(status, "", { "retry-after": "0" });
          return true;
        }
        atOnce++;
        await new Promise((resolve) => setTimeout(resolve, 50));
        atOnce--;
        return false;
      },
    });
    await using far = await startFarGateway(origin.url, { server: { Profile: "google" } });
    const all = instances(60);
    const { status: answered, failed } = await far.store(all);
    assert.deepEqual([answered, failed], [200, []]);
    assert.deepEqual(origin.stored, hashes(all));
    await origin.close();
  });
}

for (const maxConcurrent of [1, 2]) {
  Deno.test(`Four uploads in batches and searches all end with MaxConcurrentRequests ${maxConcurrent}`, async () => {
    const origin = startStowOrigin({
      vendor: "google",
      play: async (exchange) => {
        if (exchange.method !== "GET") return false;
        await exchange.answer(200, "[]", { "content-type": "application/dicom+json" });
        return true;
      },
    });
    await using far = await startFarGateway(origin.url, {
      server: {
        Profile: "google",
        StoreResilience: { MaxConcurrentRequests: maxConcurrent },
        Rules: { StoreBatchBytes: 8_000, StoreConcurrency: 2 },
      },
    });
    const all = instances(48);
    const uploads = [0, 1, 2, 3].map((at) => far.store(all.slice(12 * at, 12 * at + 12)));
    const searches = [0, 1, 2, 3].map(async () => {
      const { status, body } = await within(20_000, "a search", fetch(`${far.base}/studies`));
      await body?.cancel();
      return status;
    });
    for (const { status, failed } of await Promise.all(uploads)) {
      assert.deepEqual([status, failed], [200, []]);
    }
    assert.deepEqual(await Promise.all(searches), [200, 200, 200, 200]);
    assert.deepEqual(origin.stored, hashes(all));
    assert.ok(origin.mostAtOnce <= 3, String(origin.mostAtOnce));
    await origin.close();
  });
}

Deno.test("Two clients that store the same study at once in batches both succeed, with StoreConcurrency between them", async () => {
  for (const vendor of ["google", "azure"] as const) {
    const origin = startStowOrigin({ vendor });
    await using far = await startFarGateway(origin.url, {
      server: { Profile: vendor, Rules: { StoreBatchBytes: 8_000, StoreConcurrency: 3 } },
    });
    const all = instances(40);
    for (const { status, stored, failed } of await Promise.all([far.store(all), far.store(all)])) {
      assert.deepEqual([status, failed], [200, []], vendor);
      assert.deepEqual(stored.toSorted(), uids(all).toSorted());
    }
    assert.deepEqual(origin.stored, hashes(all));
    assert.ok(origin.mostAtOnce <= 3, String(origin.mostAtOnce));
    await origin.close();
  }
});

Deno.test("A circuit breaker that opens in mid-upload delays the batches, which are all stored", async () => {
  let failures = 0;
  const origin = startStowOrigin({
    vendor: "google",
    play: async (exchange) => {
      if (failures++ > 3) return false;
      await drain(exchange);
      exchange.close();
      return true;
    },
  });
  await using far = await startFarGateway(origin.url, {
    server: {
      Profile: "google",
      StoreResilience: {
        CircuitBreakerEnabled: true,
        CircuitBreakerFailureThreshold: 2,
        CircuitBreakerTimeout: 1,
      },
    },
  });
  const all = instances(20);
  const { status, failed } = await far.store(all);
  assert.deepEqual([status, failed], [200, []]);
  assert.deepEqual(origin.stored, hashes(all));
  await origin.close();
});

for (const [memory, disk] of [[64, 0], [0, 0]] as const) {
  const what = memory > 0 ? "held batches are sent again" : "streamed ones reported as failed";
  Deno.test(`A token rejected in mid-upload is renewed: ${what}`, async () => {
    let valid = "";
    let issued = 0;
    await using tokens = serveLoopback(() => {
      valid = `token${++issued}`;
      return Response.json({ access_token: valid, token_type: "Bearer", expires_in: 3600 });
    });
    let begun = 0;
    const origin = startStowOrigin({
      vendor: "google",
      play: async (exchange) => {
        if (++begun === 3) valid = "none";
        if (exchange.headers.get("authorization") === `Bearer ${valid}`) return false;
        await drain(exchange);
        await exchange.answer(401, "", { "www-authenticate": "Bearer" });
        return true;
      },
    });
    await using far = await startFarGateway(origin.url, {
      server: {
        Profile: "google",
        ProviderType: "generic",
        TokenEndpoint: `${tokens.url}/token`,
        ClientId: "client",
        ClientSecret: "secret",
      },
      config: { UploadMemoryMebibytes: memory, UploadDiskMebibytes: disk },
    });
    const all = instances(40);
    const { status, stored, failed } = await far.store(all);
    if (memory > 0) assert.deepEqual([status, failed], [200, []]);
    else {
      assert.equal(status, 202);
      assert.ok(failed.length > 0);
    }
    assert.equal(stored.length + failed.length, all.length);
    assert.deepEqual([...origin.stored.keys()].toSorted(), stored.toSorted());
    await origin.close();
  });
}
