import { someMemory } from "../fixtures/holding_room.ts";
import assert from "node:assert/strict";
import { boundaryOf, readMultipart } from "../../src/dicomweb/multipart/multipart_reader.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import { Pace } from "../../src/upstream/pace.ts";
import { retrieveByInstance } from "../../src/upstream/retrieve_by_instance.ts";
import { exchangeWith } from "../fixtures/store_exchange.ts";

const INSTANCES = Array.from({ length: 12 }, (_, index) => ({
  series: `1.2.${index % 2}`,
  instance: `1.2.3.${index}`,
}));

interface Behaviour {
  /** Replaces the store's response for an instance. */
  readonly instance?: (uid: string, tries: number) => Response | undefined;
  /** The store supports no search for the instances of a study. */
  readonly bySeriesOnly?: boolean;
}

/** A store that retrieves single instances only. */
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
  return {
    memory: someMemory(),
    concurrency: 4,
    pageSize: 5,
    maxResults: 0,
    pace: new Pace(perSecond),
    accept: null,
  };
}

/** The client's `Accept`, and the status for it (RFC 9110, section 12.5.1). */
const ACCEPTS: readonly [accept: string | null, query: string, status: number][] = [
  [null, "", 200],
  ["*/*", "", 200],
  ['multipart/related; type="application/dicom"; transfer-syntax=*', "", 200],
  ["application/zip", "", 406],
  ["application/dicom", "", 406],
  ['multipart/related; type="application/octet-stream"', "", 406],
  ["*/*", "?accept=application/zip", 406],
  ["application/zip", "?accept=multipart/related", 200],
];

for (const [accept, query, status] of ACCEPTS) {
  Deno.test(`retrieveByInstance: Accept ${accept} ${query} is ${status}`, async () => {
    const exchange = exchangeWith(`/studies/1.2.9${query}`, store());
    const transaction = classify("GET", exchange.target);
    const answer = retrieveByInstance(exchange, transaction, { ...rules(), accept });
    if (status === 200) {
      assert.deepEqual(await parts(await answer), ALL);
      for (const { target } of exchange.sent) assert.doesNotMatch(target, /accept/);
      return;
    }
    await assert.rejects(answer, {
      code: "NET-005",
      status,
      message: /multipart\/related; type="application\/dicom"/,
    });
    assert.deepEqual(exchange.sent, []);
  });
}

Deno.test("retrieveByInstance: the client's query is part of each request for instances", async () => {
  const query = "?imageSetId=a%2Fb&x";
  const exchange = exchangeWith(`/studies/1.2.9${query}`, store());
  const response = await retrieveByInstance(
    exchange,
    classify("GET", exchange.target),
    rules(),
  );
  assert.deepEqual((await parts(response)).sort(), [...ALL].sort());
  const instances = exchange.sent.filter(({ target }) => /instances\/|\/instances\?/.test(target));
  assert.ok(instances.length > ALL.length);
  for (const { target } of instances) assert.match(target, /\?imageSetId=a%2Fb&x/);
});

Deno.test("retrieveByInstance: what a query selects is listed by the metadata, if the store has it", async () => {
  const whole = store();
  // An image set of the second series, with an instance that no search finds.
  const exchange = exchangeWith("/studies/1.2.9?imageSetId=s", (request) => {
    const { pathname, search } = new URL(request.target, "http://store");
    if (pathname.endsWith("/1.2.0/metadata")) return new Response(null, { status: 404 });
    if (!pathname.endsWith("/metadata")) return whole(request);
    assert.equal(search, "?imageSetId=s");
    return Response.json([{ "00080018": { vr: "UI", Value: ["1.2.3.99"] } }]);
  });
  const response = await retrieveByInstance(exchange, classify("GET", exchange.target), rules());
  assert.deepEqual(await parts(response), ["bytes of 1.2.3.99"]);
  assert.equal(
    exchange.sent.at(-1)?.target,
    "/studies/1.2.9/series/1.2.1/instances/1.2.3.99?imageSetId=s",
  );
});

Deno.test("retrieveByInstance: instances that come as multipart are unwrapped", async () => {
  const response = await retrieve({
    instance: (uid) =>
      new Response(`--b\r\nContent-Type: application/dicom\r\n\r\nbytes of ${uid}\r\n--b--\r\n`, {
        headers: { "content-type": 'multipart/related; type="application/dicom"; boundary=b' },
      }),
  });
  assert.deepEqual(await parts(response), ALL);
});

/** Responses for an instance that make the whole transfer fail. */
const LOST: Readonly<Record<string, () => Response>> = {
  "404": () => new Response(null, { status: 404 }),
  "a login page": () => new Response("<html>", { headers: { "content-type": "text/html" } }),
  "an empty body": () => new Response("", { headers: { "content-type": "application/dicom" } }),
  "a body shorter than its length": () =>
    new Response("half", {
      headers: { "content-type": "application/dicom", "content-length": "9" },
    }),
  "multipart without its closing delimiter": () =>
    new Response("--b\r\n\r\nhalf\r\n", {
      headers: { "content-type": "multipart/related; boundary=b" },
    }),
  "multipart of two parts": () =>
    new Response("--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--", {
      headers: { "content-type": "multipart/related; boundary=b" },
    }),
};

for (const [what, answer] of Object.entries(LOST)) {
  for (const uid of ["1.2.3.0", "1.2.3.5", "1.2.3.11"]) {
    Deno.test(`retrieveByInstance: ${what} for ${uid} never looks like the end of a whole answer`, async () => {
      const response = await retrieve({ instance: (each) => each === uid ? answer() : undefined });
      const boundary = boundaryOf(response.headers.get("content-type"));
      let text = "";
      await assert.rejects(async () => {
        for await (const chunk of response.body!) text += new TextDecoder().decode(chunk);
      }, /Cannot/);
      assert.ok(!text.includes(`--${boundary}--`));
    });
  }
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

Deno.test("retrieveByInstance: a store that searches by series only is searched series by series", async () => {
  const response = await retrieve({ bySeriesOnly: true });
  assert.deepEqual((await parts(response)).sort(), [...ALL].sort());
});

Deno.test("retrieveByInstance: an instance that fails once is retried after the others", async () => {
  const response = await retrieve({
    instance: (uid, tries) =>
      uid === "1.2.3.0" && tries === 1 ? new Response(null, { status: 500 }) : undefined,
  });
  assert.deepEqual(await parts(response), [...ALL.slice(1), ALL[0]]);
});

Deno.test("retrieveByInstance: an instance that fails twice makes the transfer fail, after the others", async () => {
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

Deno.test("retrieveByInstance: if every instance fails, the response is an error, not a broken transfer", async () => {
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
  await assert.rejects(response.text(), { code: "NET-002" });
});

Deno.test("retrieveByInstance: Retry-After of a store that throttles is honoured", async () => {
  let throttled = 0;
  const response = await retrieve({
    instance: (_, tries) =>
      tries > 1 || throttled++ > 2
        ? undefined
        : new Response(null, { status: 429, headers: { "retry-after": "0.01" } }),
  });
  assert.deepEqual(await parts(response), ALL);
});

Deno.test("retrieveByInstance: a study without instances is 404, a rejected search the store's response", async () => {
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

Deno.test("retrieveByInstance: an invalid UID in a search result leads to no request", async () => {
  const path = "/studies/1.2.9";
  const exchange = exchangeWith(path, () =>
    Response.json([{
      "0020000E": { Value: ["1.2"] },
      "00080018": { Value: ["../../../admin"] },
    }]));
  await assert.rejects(retrieveByInstance(exchange, classify("GET", path), rules()), {
    code: "NET-009",
  });
  assert.deepEqual(exchange.sent.map(({ target }) => target), [
    "/studies?StudyInstanceUID=1.2.9&limit=1",
    "/studies/1.2.9/instances?limit=5&offset=0",
  ]);
});

Deno.test("retrieveByInstance: a client that leaves cancels what was fetched ahead", async () => {
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

Deno.test("retrieveByInstance: a client that leaves ends the requests, and takes no turn of the quota", async () => {
  const gone = new AbortController();
  const pace = new Pace(200);
  const whole = store({
    instance: (uid) => {
      if (uid === "1.2.3.5") gone.abort(new Error("client gone"));
      return undefined;
    },
  });
  const exchange = exchangeWith("/studies/1.2.9", (request) => {
    gone.signal.throwIfAborted();
    return whole(request);
  }, { signal: gone.signal });
  const response = await retrieveByInstance(
    exchange,
    classify("GET", exchange.target),
    { ...rules(), pace },
  );
  await assert.rejects(response.text(), /client gone/);
  const sent = exchange.sent.length;
  await pace.turn("retrieve-instance", new AbortController().signal);
  assert.equal(exchange.sent.length, sent);
  assert.doesNotMatch(exchange.sent.at(-1)!.target, /1\.2\.3\.11$/);
});
