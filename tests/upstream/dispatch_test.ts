import { someMemory } from "../fixtures/holding_room.ts";
import assert from "node:assert/strict";
import { profiles, withRules } from "../../src/dicomweb/profile/profile.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import { Pace } from "../../src/upstream/pace.ts";
import { dispatch } from "../../src/upstream/dispatch.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { exchangeWith, type TestExchange } from "../fixtures/store_exchange.ts";

function ask(
  exchange: TestExchange,
  rules = profiles.generic.rules,
  accept: string | null = null,
): Promise<Response> {
  return dispatch(exchange, classify(exchange.method, exchange.target), {
    rules,
    pace: new Pace(0),
    memory: someMemory(),
    accept,
    server: "main",
    storeUrl: "http://store",
    logger: new MemoryLogger(),
  });
}

Deno.test("dispatch: a search that finds nothing (204) becomes 200 with an empty list", async () => {
  const exchange = exchangeWith("/studies?PatientID=1", () => new Response(null, { status: 204 }));
  const response = await ask(exchange);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/dicom+json");
  assert.equal(await response.text(), "[]");
});

for (const target of ["/workitems", "/modality-scheduled-procedure-steps", "/hanging-protocols"]) {
  Deno.test(`dispatch: a search of ${target} is paged, and an empty one is [], as other searches`, async () => {
    const empty = exchangeWith(target, () => new Response(null, { status: 204 }));
    const response = await ask(empty);
    assert.deepEqual([response.status, await response.json()], [200, []]);
    const results = Array.from({ length: 450 }, (_, index) => ({
      "00080018": { vr: "UI", Value: [`1.2.${index}`] },
    }));
    const paged = exchangeWith(`${target}?limit=500`, ({ target }) => {
      const query = new URL(target, "http://store").searchParams;
      const [limit, offset] = [Number(query.get("limit")), Number(query.get("offset"))];
      return limit > 200
        ? new Response("limit", { status: 400 })
        : Response.json(results.slice(offset, offset + limit));
    });
    assert.deepEqual(await (await ask(paged, profiles.azure.rules)).json(), results);
  });
}

Deno.test("dispatch: reading a workitem is no search", async () => {
  const exchange = exchangeWith(
    "/workitems/1.2?limit=500",
    () => new Response(null, { status: 204 }),
  );
  assert.equal((await ask(exchange, profiles.azure.rules)).status, 204);
  assert.equal(exchange.sent[0]!.target, "/workitems/1.2?limit=500");
});

Deno.test("dispatch: 204 passes if the rule is off, and for other transactions", async () => {
  const off = withRules(profiles.generic, { emptySearchAsList: false }).rules;
  const empty = () => new Response(null, { status: 204 });
  assert.equal((await ask(exchangeWith("/studies", empty), off)).status, 204);
  const deletion = { ...exchangeWith("/studies/1.2.3", empty), method: "DELETE" };
  assert.equal((await ask(deletion)).status, 204);
});

function onePage(target: string, result: unknown): Response {
  const offset = new URL(target, "http://store").searchParams.get("offset");
  return Response.json(offset === null || offset === "0" ? [result] : []);
}

Deno.test("dispatch: a search beyond the store's page is collected, one within it is sent as it is", async () => {
  const page = ({ target }: { readonly target: string }) => onePage(target, {});
  const large = exchangeWith("/studies?limit=500", page);
  assert.deepEqual(await (await ask(large, profiles.azure.rules)).json(), [{}]);
  assert.deepEqual(large.sent.map(({ target }) => target), [
    "/studies?limit=200&offset=0",
    "/studies?limit=200&offset=1",
  ]);
  const small = exchangeWith("/studies?limit=50&x=1", page);
  await (await ask(small, profiles.azure.rules)).body?.cancel();
  assert.equal(small.sent[0]!.target, "/studies?limit=50&x=1");
});

Deno.test("dispatch: a search that ends at HealthImaging's limit gets a warning", async () => {
  const store = ({ target }: { readonly target: string }) => {
    const query = new URL(target, "http://store").searchParams;
    const [limit, offset] = [Number(query.get("limit")), Number(query.get("offset"))];
    if (offset >= 10_000) return new Response(null, { status: 204 });
    return Response.json(Array.from({ length: limit }, (_, n) => ({ n: offset + n })));
  };
  for (const [query, count] of [["limit=50&offset=9980", 20], ["limit=9&offset=10000", 0]]) {
    const response = await ask(exchangeWith(`/studies?${query}`, store), profiles.aws.rules);
    assert.match(response.headers.get("warning")!, /^299 .*10000 results of a search at most/);
    assert.equal((await response.json()).length, count);
  }
  const within = await ask(
    exchangeWith("/studies?limit=50&offset=9000", store),
    profiles.aws.rules,
  );
  assert.equal(within.headers.get("warning"), null);
  await within.body?.cancel();
});

Deno.test("dispatch: a study is retrieved by instance if the store supports nothing else", async () => {
  const exchange = exchangeWith(
    "/studies/1.2.3",
    ({ target }) =>
      target.includes("/instances?")
        ? onePage(target, {
          "00080018": { vr: "UI", Value: ["1.2.3.4"] },
          "0020000E": { vr: "UI", Value: ["1.2"] },
        })
        : new Response("bytes", { headers: { "content-type": "application/dicom" } }),
  );
  const response = await ask(exchange, profiles.aws.rules);
  assert.match(response.headers.get("content-type")!, /^multipart\/related/);
  assert.match(await response.text(), /bytes/);
  assert.deepEqual(exchange.sent.map(({ target }) => target), [
    "/studies?StudyInstanceUID=1.2.3&limit=1",
    "/studies/1.2.3/instances?limit=1000&offset=0",
    "/studies/1.2.3/instances?limit=1000&offset=1",
    "/studies/1.2.3/series/1.2/instances/1.2.3.4",
  ]);
  const generic = exchangeWith("/studies/1.2.3", () => new Response("whole"));
  assert.equal(await (await ask(generic)).text(), "whole");
  const zip = ask(
    exchangeWith("/studies/1.2.3", () => new Response("zip")),
    profiles.aws.rules,
    "application/zip",
  );
  await assert.rejects(zip, { code: "NET-005", status: 406 });
});

Deno.test("dispatch: conditions and ranges of the client are removed from the requests of a retrieval by instance", async () => {
  const headers = { "if-none-match": '"a"', "range": "bytes=0-9", "x-kept": "1" };
  for (const target of ["/studies?limit=5000", "/studies/1.2.3"]) {
    const exchange = exchangeWith(target, (request) => {
      if (request.headers.has("if-none-match")) return new Response(null, { status: 304 });
      if (request.headers.has("range")) return new Response("part", { status: 206 });
      return request.target.includes("?")
        ? onePage(request.target, {
          "00080018": { vr: "UI", Value: ["1.2.3.4"] },
          "0020000E": { vr: "UI", Value: ["1.2"] },
        })
        : new Response("bytes", { headers: { "content-type": "application/dicom" } });
    }, { headers });
    const response = await ask(exchange, profiles.aws.rules);
    assert.equal(response.status, 200);
    await response.text();
    for (const sent of exchange.sent) assert.equal(sent.headers.get("x-kept"), "1");
  }
});

Deno.test("dispatch: one part is wrapped for a client that reads multipart only", async () => {
  const instance = "/studies/1.2/series/1.3/instances/1.4";
  const answer = () => new Response("bytes", { headers: { "content-type": "application/dicom" } });
  const multipart = 'multipart/related; type="application/dicom"';
  const wrapped = await ask(exchangeWith(instance, answer), undefined, multipart);
  assert.match(wrapped.headers.get("content-type")!, /^multipart\/related/);
  await wrapped.body?.cancel();
  const bare = await ask(exchangeWith(instance, answer), undefined, "application/dicom");
  assert.equal(await bare.text(), "bytes");
});

Deno.test("dispatch: one part is unwrapped for a client that reads no multipart, unless the rule is off", async () => {
  const instance = "/studies/1.2/series/1.3/instances/1.4";
  const multipart = 'multipart/related; type="application/dicom"; boundary=b';
  const answer = () =>
    new Response("--b\r\nContent-Type: application/dicom\r\n\r\nbytes\r\n--b--", {
      headers: { "content-type": multipart },
    });
  const unwrapped = await ask(exchangeWith(instance, answer), undefined, "application/dicom");
  assert.equal(unwrapped.headers.get("content-type"), "application/dicom");
  assert.equal(await unwrapped.text(), "bytes");
  const off = withRules(profiles.generic, { unwrapSingleParts: false }).rules;
  const whole = await ask(exchangeWith(instance, answer), off, "application/dicom");
  assert.equal(whole.headers.get("content-type"), multipart);
  const head = { ...exchangeWith(instance, answer), method: "HEAD" };
  const described = await ask(head, undefined, "application/dicom");
  assert.equal(described.headers.get("content-type"), multipart);
  for (const each of [whole, described]) await each.body?.cancel();
});

Deno.test("dispatch: a STOW response in XML becomes the JSON that Orthanc counts", async () => {
  const xml = `<?xml version="1.0"?><NativeDicomModel>
    <DicomAttribute tag="00081199" vr="SQ"><Item number="1">
      <DicomAttribute tag="00081150" vr="UI"><Value number="1">1.2.840.10008.5.1.4.1.1.2</Value></DicomAttribute>
      <DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2.3</Value></DicomAttribute>
    </Item></DicomAttribute></NativeDicomModel>`;
  const exchange = {
    ...exchangeWith(
      "/studies",
      async ({ body }) => {
        await new Response(body).bytes();
        return new Response(xml, { headers: { "content-type": "application/dicom+xml" } });
      },
      { headers: { "content-type": 'multipart/related; type="application/dicom"; boundary=b' } },
    ),
    method: "POST",
    body: new Response("--b--").body,
  };
  const response = await ask(exchange, undefined, "application/dicom+json");
  assert.equal(response.status, 200);
  const { "00081199": stored } = await response.json();
  assert.equal(stored.Value[0]["00081155"].Value[0], "1.2.3");
});

Deno.test("dispatch: a store request of unknown length is split for a store with a limit, and not for others", async () => {
  const request = (count: number) => {
    const parts = Array.from(
      { length: count },
      (_, index) =>
        `--b\r\nContent-Type: application/dicom\r\nContent-Length: 5\r\n\r\ninst${index}\r\n`,
    );
    return new Response(`${parts.join("")}--b--`).body;
  };
  const answer = async ({ body }: { readonly body: BodyInit | null }) => {
    await new Response(body).text();
    return new Response(null, { status: 503 });
  };
  const type = { "content-type": 'multipart/related; type="application/dicom"; boundary=b' };
  const split = {
    ...exchangeWith("/studies", answer, { headers: type }),
    method: "POST",
    body: request(4),
  };
  const rules = withRules(profiles.generic, { storeMaxInstances: 2 }).rules;
  await (await ask(split, rules)).body?.cancel();
  assert.equal(split.sent.length, 2);
  const whole = {
    ...exchangeWith("/studies", answer, { headers: type }),
    method: "POST",
    body: request(4),
  };
  await (await ask(whole)).body?.cancel();
  assert.equal(whole.sent.length, 1);
});
