import assert from "node:assert/strict";
import { boundaryOf, readMultipart } from "../../src/dicomweb/multipart_reader.ts";
import { classify } from "../../src/dicomweb/transaction.ts";
import { Pace } from "../../src/upstream/pace.ts";
import { retrieveByInstance } from "../../src/upstream/retrieve_by_instance.ts";
import { exchangeWith } from "../fixtures/store_exchange.ts";

const INSTANCES = Array.from({ length: 12 }, (_, index) => ({
  series: `1.2.${index % 2}`,
  instance: `1.2.3.${index}`,
}));

interface Behaviour {
  /** Answers for an instance in place of the store. */
  readonly instance?: (uid: string, tries: number) => Response | undefined;
  /** The store searches the instances of a series only. */
  readonly bySeriesOnly?: boolean;
}

/** A store that retrieves instances only. */
function store(behaviour: Behaviour = {}) {
  const tries = new Map<string, number>();
  return ({ target }: { readonly target: string }): Response => {
    const { pathname, searchParams } = new URL(target, "http://store");
    const offset = Number(searchParams.get("offset") ?? 0);
    const limit = Number(searchParams.get("limit") ?? 1000);
    const [, , , , series, kind, instance] = pathname.split("/");
    const list = (results: unknown[]) => Response.json(results.slice(offset, offset + limit));
    if (pathname === "/studies/1.2.9/series") {
      return list(["1.2.0", "1.2.1"].map((uid) => ({ "0020000E": { vr: "UI", Value: [uid] } })));
    }
    if (pathname === "/studies/1.2.9/instances" && behaviour.bySeriesOnly) {
      return new Response("no such operation", { status: 404 });
    }
    if (pathname.endsWith("/instances")) {
      const of = pathname === "/studies/1.2.9/instances"
        ? INSTANCES
        : INSTANCES.filter((each) => each.series === series);
      return list(of.map((each) => ({
        "0020000E": { vr: "UI", Value: [each.series] },
        "00080018": { vr: "UI", Value: [each.instance] },
      })));
    }
    if (kind !== "instances" || instance === undefined) return new Response(null, { status: 405 });
    tries.set(instance, (tries.get(instance) ?? 0) + 1);
    return behaviour.instance?.(instance, tries.get(instance)!) ??
      new Response(`bytes of ${instance}`, { headers: { "content-type": "application/dicom" } });
  };
}

function rules(perSecond = 0) {
  return { concurrency: 4, pageSize: 5, pace: new Pace(perSecond) };
}

async function retrieve(behaviour: Behaviour = {}, path = "/studies/1.2.9"): Promise<Response> {
  return await retrieveByInstance(
    exchangeWith(path, store(behaviour), { headers: { accept: "application/dicom" } }),
    classify("GET", path),
    rules(),
  );
}

async function parts(response: Response): Promise<string[]> {
  const texts: string[] = [];
  const boundary = boundaryOf(response.headers.get("content-type")!)!;
  for await (const part of readMultipart(response.body!, boundary)) {
    assert.equal(part.headers.get("content-type"), "application/dicom");
    texts.push(await new Response(part.body).text());
  }
  return texts;
}

const ALL = INSTANCES.map(({ instance }) => `bytes of ${instance}`);

Deno.test("retrieveByInstance: a study comes as one multipart answer, in the search's order", async () => {
  const response = await retrieve();
  assert.match(
    response.headers.get("content-type")!,
    /^multipart\/related; type="application\/dicom"/,
  );
  assert.deepEqual(await parts(response), ALL);
});

Deno.test("retrieveByInstance: a series comes without the other series", async () => {
  const response = await retrieve({}, "/studies/1.2.9/series/1.2.1");
  assert.deepEqual(await parts(response), ALL.filter((_, index) => index % 2 === 1));
});

Deno.test("retrieveByInstance: a store that searches by series only is asked series by series", async () => {
  const response = await retrieve({ bySeriesOnly: true });
  assert.deepEqual((await parts(response)).sort(), [...ALL].sort());
});

Deno.test("retrieveByInstance: one that fails once is tried again after the others", async () => {
  const response = await retrieve({
    instance: (uid, tries) =>
      uid === "1.2.3.0" && tries === 1 ? new Response(null, { status: 500 }) : undefined,
  });
  assert.deepEqual(await parts(response), [...ALL.slice(1), ALL[0]]);
});

Deno.test("retrieveByInstance: one that cannot be fetched makes the transfer fail, after the others", async () => {
  const response = await retrieve({
    instance: (uid) => uid === "1.2.3.0" ? new Response(null, { status: 500 }) : undefined,
  });
  assert.equal(response.status, 200);
  const received: string[] = [];
  await assert.rejects(async () => {
    for await (const chunk of response.body!) received.push(new TextDecoder().decode(chunk));
  }, /1 of 12 instances/);
  const text = received.join("");
  for (const each of ALL.slice(1)) assert.ok(text.includes(each), each);
  assert.doesNotMatch(text, /--\r\n$/, "the body must not end as a whole one does");
});

Deno.test("retrieveByInstance: nothing that can be fetched is an error, not a broken transfer", async () => {
  await assert.rejects(retrieve({ instance: () => new Response(null, { status: 500 }) }), {
    code: "NET-009",
    status: 502,
  });
});

Deno.test("retrieveByInstance: an instance whose body breaks off makes the transfer fail", async () => {
  const response = await retrieve({
    instance: (uid) =>
      uid !== "1.2.3.5" ? undefined : new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("half"));
            controller.error(new TypeError("connection lost"));
          },
        }),
        { headers: { "content-type": "application/dicom" } },
      ),
  });
  await assert.rejects(response.text(), /connection lost/);
});

Deno.test("retrieveByInstance: a store that throttles is waited for as long as it says", async () => {
  let throttled = 0;
  const response = await retrieve({
    instance: (_, tries) =>
      tries > 1 || throttled++ > 2
        ? undefined
        : new Response(null, { status: 429, headers: { "retry-after": "0.01" } }),
  });
  assert.deepEqual(await parts(response), ALL);
});

Deno.test("retrieveByInstance: a study that is not there is 404, a refused search the store's answer", async () => {
  const path = "/studies/1.2.9";
  const empty = await retrieveByInstance(
    exchangeWith(path, () => Response.json([])),
    classify("GET", path),
    rules(),
  );
  assert.equal(empty.status, 404);
  const refused = await retrieveByInstance(
    exchangeWith(path, () => new Response("not yours", { status: 403 })),
    classify("GET", path),
    rules(),
  );
  assert.equal(refused.status, 403);
  assert.equal(await refused.text(), "not yours");
});

Deno.test("retrieveByInstance: a search result with a UID that is none leads to no request", async () => {
  const path = "/studies/1.2.9";
  const exchange = exchangeWith(path, () =>
    Response.json([{
      "0020000E": { Value: ["1.2"] },
      "00080018": { Value: ["../../../admin"] },
    }]));
  await assert.rejects(retrieveByInstance(exchange, classify("GET", path), rules()), {
    code: "NET-009",
  });
  assert.equal(exchange.sent.length, 1);
});

Deno.test("retrieveByInstance: a client that leaves ends what was fetched ahead", async () => {
  let cancelled = 0;
  const response = await retrieve({
    instance: () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(1000)),
          cancel: () => void cancelled++,
        }),
        { headers: { "content-type": "application/dicom" } },
      ),
  });
  const reader = response.body!.getReader();
  for (let read = 0; read < 5; read++) await reader.read();
  await reader.cancel();
  assert.equal(cancelled, 4, "the one that was read and three ahead of it");
});
