/**
 * Failures of parts of a split upload, and of its client.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import type { RawExchange } from "../fixtures/raw_origin.ts";
import { startSplittingGateway } from "../fixtures/splitting_gateway.ts";
import {
  BOUNDARY,
  bytes,
  hashes,
  inPiecesOf,
  instances,
  STOW_TYPE,
  stowBody,
  type TestInstance,
} from "../fixtures/stow_request.ts";
import { readResult, type StowResult, withSplitStore } from "./split_store.ts";

const LIMIT_MS = 20_000;
const PROBLEM = { "content-type": "application/problem+json", "retry-after": "7" };

async function drain(exchange: RawExchange): Promise<void> {
  for await (const _ of exchange.body());
}

function uids(all: readonly TestInstance[]): string[] {
  return all.map(({ uid }) => uid);
}

function failing(
  numbers: readonly number[],
  fail: (exchange: RawExchange) => Promise<void>,
): (exchange: RawExchange, count: number) => Promise<boolean> {
  return async (exchange, count) => {
    if (!numbers.includes(count)) return false;
    await fail(exchange);
    return true;
  };
}

/** How the second of three requests fails, with the reported reason. */
const FAILURES: [
  what: string,
  fail: (exchange: RawExchange) => Promise<void>,
  reason: number,
  comment: string,
][] = [
  [
    "answers 503",
    async (exchange) => {
      await drain(exchange);
      await exchange.answer(503, "{}", PROBLEM);
    },
    42752,
    "Store answered 503",
  ],
  [
    "answers 500 before it has read anything",
    async (exchange) => {
      await exchange.answer(500, "oops", { connection: "close" });
      await exchange.lingeringClose();
    },
    272,
    "Store answered 500",
  ],
  [
    "cuts the connection at once",
    (exchange) => {
      exchange.close();
      return Promise.resolve();
    },
    272,
    "Connection to the store failed",
  ],
  [
    "cuts the connection in the middle",
    async (exchange) => {
      for await (const _ of exchange.body()) break;
      exchange.close();
    },
    272,
    "Connection to the store failed",
  ],
  [
    "cuts the connection within its answer",
    async (exchange) => {
      await drain(exchange);
      await exchange.writeHead(200, { "content-length": "1000" });
      await exchange.write('{"00081199":');
      exchange.close();
    },
    272,
    "Connection to the store failed",
  ],
  [
    "answers 200 with a login page",
    async (exchange) => {
      await drain(exchange);
      await exchange.answer(200, "<html></html>", { "content-type": "text/html" });
    },
    272,
    "Store answered 200 with text/html",
  ],
  [
    "redirects",
    async (exchange) => {
      await drain(exchange);
      await exchange.answer(307, "", { location: "https://elsewhere.example/studies" });
    },
    272,
    "Gateway could not send it (NET-004)",
  ],
];

for (const [what, fail, reason, comment] of FAILURES) {
  Deno.test(`storeInParts: a store that ${what} leaves the other parts stored`, async () => {
    const all = instances(6, 2_000);
    await withSplitStore(
      { play: failing([2], fail) },
      { maxInstances: 2, concurrency: 1 },
      async ({ origin, store, gateway }) => {
        const { status, stored, failed, text } = await store(stowBody(all));
        assert.equal(status, 202);
        assert.deepEqual(stored, ["1.2.3.1", "1.2.3.2", "1.2.3.5", "1.2.3.6"]);
        assert.deepEqual(failed, [`1.2.3.3=${reason}`, `1.2.3.4=${reason}`]);
        assert.ok(text.includes(comment), text);
        const kept = hashes([...all.slice(0, 2), ...all.slice(4)]);
        assert.deepEqual(origin.stored, kept);
        const [line] = gateway.logger.lines.filter(({ level }) => level === "warn");
        assert.equal(line?.fields.failed, 2);
        assert.ok(!JSON.stringify(gateway.logger.lines).includes("1.2.3."), "no UID is logged");
      },
    );
  });
}

Deno.test("storeInParts: if every part fails, the client gets the store's own response", async () => {
  const play = async (exchange: RawExchange) => {
    await drain(exchange);
    await exchange.answer(503, '{"detail":"busy"}', PROBLEM);
    return true;
  };
  await withSplitStore({ play }, { maxInstances: 1 }, async ({ store }) => {
    const { status, headers, text } = await store(stowBody(instances(2)));
    assert.deepEqual([status, text], [503, '{"detail":"busy"}']);
    assert.equal(headers.get("retry-after"), "7");
    assert.equal(headers.get("content-type"), "application/problem+json");
  });
});

Deno.test("storeInParts: after different failures and nothing stored, the status is the worst, and all are named", async () => {
  const play = async (exchange: RawExchange, count: number) => {
    await drain(exchange);
    if (count === 1) {
      const item = {
        "00081155": { vr: "UI", Value: ["1.2.3.1"] },
        "00081197": { vr: "US", Value: [43264] },
      };
      await exchange.answer(409, JSON.stringify({ "00081198": { vr: "SQ", Value: [item] } }), {
        "content-type": "application/dicom+json",
      });
    } else await exchange.answer(503, "", PROBLEM);
    return true;
  };
  await withSplitStore({ play }, { maxInstances: 1, concurrency: 1 }, async ({ store }) => {
    const { status, headers, failed } = await store(stowBody(instances(2)));
    assert.equal(status, 503);
    assert.equal(headers.get("retry-after"), "7");
    assert.deepEqual(failed, ["1.2.3.1=43264", "1.2.3.2=42752"]);
  });
});

Deno.test("storeInParts names an instance that arrives after the store has rejected it", async () => {
  const answered = Promise.withResolvers<void>();
  const play = async (exchange: RawExchange) => {
    await exchange.answer(500, "", { connection: "close" });
    answered.resolve();
    await exchange.lingeringClose();
    return true;
  };
  const all = instances(2);
  await withSplitStore(
    { play: (exchange, count) => count === 1 ? play(exchange) : Promise.resolve(false) },
    { maxInstances: 1, concurrency: 1 },
    async ({ gateway }) => {
      using client = await rawClient(gateway.url);
      const [head, ...rest] = stowBody(all);
      await client.writeChunk(head!);
      await answered.promise;
      // Time for the response to arrive before the instance.
      await new Promise((resolve) => setTimeout(resolve, 100));
      for (const piece of rest) await client.writeChunk(piece);
      await client.write("0\r\n\r\n");
      const { status, stored, failed } = await readAnswer(client);
      assert.deepEqual([status, stored, failed], [202, ["1.2.3.2"], ["1.2.3.1=272"]]);
    },
  );
});

Deno.test("storeInParts: a login page for every part is no success", async () => {
  const play = async (exchange: RawExchange) => {
    await drain(exchange);
    await exchange.answer(200, "<html></html>", { "content-type": "text/html" });
    return true;
  };
  await withSplitStore({ play }, { maxInstances: 1 }, async ({ store }) => {
    const { status, stored, failed, text } = await store(stowBody(instances(2)));
    assert.deepEqual([status, stored, failed], [502, [], []]);
    assert.equal(JSON.parse(text).code, "NET-009");
  });
});

Deno.test("storeInParts: an empty 200 before the end of the upload is no success", async () => {
  const answered = Promise.withResolvers<void>();
  const play = async (exchange: RawExchange) => {
    await exchange.answer(200, "");
    await answered.promise;
    await exchange.untilGone();
    return true;
  };
  const all = instances(1, 500_000);
  await withSplitStore({ play }, { maxInstances: 2 }, async ({ store }) => {
    const { status, stored, failed, text } = await store(stowBody(all));
    answered.resolve();
    assert.deepEqual([status, stored, failed], [502, [], []]);
    assert.equal(JSON.parse(text).code, "NET-009");
    assert.ok(text.includes("Store answered 200 before the upload was complete"));
  });
});

Deno.test("storeInParts: an unreachable store is reported before the end of the upload", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const gateway = await startSplittingGateway(`http://127.0.0.1:${port}`, { maxInstances: 1 });
  const client = await rawClient(gateway.url);
  const sending = sendWithoutEnd(client, "instances");
  const { status, text } = await readAnswer(client);
  assert.deepEqual([status, JSON.parse(text).code], [502, "NET-002"]);
  client[Symbol.dispose]();
  await sending.done;
  await gateway.close();
});

Deno.test("storeInParts gives up after three rejections in a row, and names what it did not try", async () => {
  const all = instances(12);
  const play = async (exchange: RawExchange, count: number) => {
    if (count === 1) return false;
    await exchange.answer(403, "no", { connection: "close" });
    await exchange.lingeringClose();
    return true;
  };
  await withSplitStore({ play }, { maxInstances: 1, concurrency: 1 }, async ({ origin, store }) => {
    const { status, stored, failed, text } = await store(stowBody(all));
    assert.deepEqual([status, stored], [202, ["1.2.3.1"]]);
    assert.deepEqual(failed, uids(all).slice(1).map((uid) => `${uid}=292`));
    assert.ok(text.includes("Not tried: requests before it failed"));
    assert.equal(origin.begun, 4);
  });
});

Deno.test("storeInParts continues after instances that are rejected one by one", async () => {
  const all = instances(8);
  const [long] = instances(9, 400).slice(8);
  const many = [...new Array(5).fill(long), ...all] as TestInstance[];
  await withSplitStore(
    { maxBytes: 20_000 },
    { maxBytes: 20_000, concurrency: 1 },
    async ({ origin, store }) => {
      const { status, stored, failed } = await store(stowBody(many));
      assert.deepEqual([status, stored], [202, uids(all)]);
      assert.deepEqual(failed, new Array(5).fill("1.2.3.9=42752"));
      assert.deepEqual(origin.stored, hashes(all));
    },
  );
});

/** When the store rejects a token. */
const REFUSALS: [what: string, refuse: (exchange: RawExchange) => Promise<void>][] = [
  ["at once", async (exchange) => {
    await exchange.answer(401, "", { connection: "close" });
    await exchange.lingeringClose();
  }],
  ["at the end", async (exchange) => {
    await drain(exchange);
    await exchange.answer(401);
  }],
];

for (const [what, refuse] of REFUSALS) {
  Deno.test(`storeInParts: a token refused ${what}, in the middle: the part is sent again with another`, async () => {
    const all = instances(6, 2_000);
    await withSplitStore(
      { play: failing([2], refuse) },
      { maxInstances: 2, concurrency: 1 },
      async ({ origin, store }) => {
        const { status, stored } = await store(stowBody(all));
        assert.deepEqual([status, stored], [200, uids(all)]);
        assert.deepEqual(origin.stored, hashes(all));
        const tokens = origin.requests.map(({ headers }) => headers.get("authorization"));
        assert.deepEqual(tokens, ["Bearer t1", "Bearer t2", "Bearer t2"]);
      },
    );
  });
}

Deno.test("storeInParts: a token rejected for a part too long to keep: it is named, the next uses another", async () => {
  // 9 MiB in one instance.
  const [long] = instances(2, 147_456).slice(1);
  const [first, third] = [instances(1)[0]!, instances(3)[2]!];
  await withSplitStore(
    { play: failing([2], REFUSALS[1]![1]) },
    { maxInstances: 1, concurrency: 1 },
    async ({ origin, store }) => {
      const { status, stored, failed, text } = await store(stowBody([first, long!, third]));
      assert.deepEqual([status, stored, failed], [202, ["1.2.3.1", "1.2.3.3"], ["1.2.3.2=272"]]);
      assert.ok(text.includes("Store rejected the credential in mid-transfer"));
      assert.equal(origin.requests.at(-1)?.headers.get("authorization"), "Bearer t2");
    },
  );
});

Deno.test("storeInParts: a credential that stays rejected ends the attempts", async () => {
  const play = async (exchange: RawExchange) => {
    await drain(exchange);
    await exchange.answer(401, "never");
    return true;
  };
  await withSplitStore({ play }, { maxInstances: 1, concurrency: 1 }, async ({ origin, store }) => {
    const { status } = await store(stowBody(instances(10)));
    assert.ok(status === 401 || status === 502, `answered ${status}`);
    assert.ok(origin.begun <= 6, `${origin.begun} requests`);
  });
});

/** A client that writes its own chunks. */
async function rawClient(url: string): Promise<RawClient> {
  const client = await RawClient.connect(url);
  await client.write(client.head("POST", "/studies", {
    "content-type": STOW_TYPE,
    "transfer-encoding": "chunked",
  }));
  return client;
}

/** Sends instances of 1 MiB, or one without end, until the connection breaks. */
function sendWithoutEnd(
  client: RawClient,
  what: "instances" | "instance",
): { readonly sent: number; readonly done: Promise<void> } {
  const state = { sent: 0, done: Promise.resolve() };
  const [head, content, end] = stowBody(instances(1, 16_384), { withLength: false, end: "" });
  state.done = (async () => {
    await client.writeChunk(head!);
    for (;;) {
      await client.writeChunk(content!);
      state.sent += content!.length;
      if (what === "instance") continue;
      await client.writeChunk(end!);
      await client.writeChunk(head!);
    }
  })().catch(() => {});
  return state;
}

async function readAnswer(client: RawClient): Promise<StowResult> {
  const { status, headers, text } = await within(LIMIT_MS, "an answer", client.answerText());
  return readResult(status, headers, text);
}

Deno.test("storeInParts never stores an incomplete instance; complete ones are stored, and 400 reports both", async () => {
  const all = instances(5);
  await withSplitStore({}, { maxInstances: 2, concurrency: 1 }, async ({ origin, gateway }) => {
    using client = await rawClient(gateway.url);
    for (const piece of stowBody(all.slice(0, 4), { end: "" })) await client.writeChunk(piece);
    await client.writeChunk(bytes(`--${BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n`));
    await client.writeChunk(all[4]!.file.subarray(0, 2_000));
    await client.write("0\r\n\r\n");
    const { status, stored, failed } = await readAnswer(client);
    assert.deepEqual([status, stored], [400, uids(all).slice(0, 4)]);
    assert.deepEqual(failed, ["1.2.3.5=49152"]);
    assert.deepEqual(origin.stored, hashes(all.slice(0, 4)));
    assert.equal(origin.requests.length, 2);
  });
});

Deno.test("storeInParts: a request that breaks off between instances leaves those before it stored", async () => {
  const all = instances(3);
  await withSplitStore({}, { maxInstances: 2 }, async ({ origin, store }) => {
    const end = `--${BOUNDARY}\r\n${"x".repeat(20_000)}`;
    const { status, stored, failed } = await store(stowBody(all, { end }));
    assert.deepEqual([status, stored, failed], [400, uids(all), []]);
    assert.deepEqual(origin.stored, hashes(all));
  });
});

Deno.test("storeInParts accepts at most 50,000 instances, and reports which of more are stored", async () => {
  const [{ file }] = instances(1, 0) as [TestInstance];
  const many = (function* () {
    for (let count = 0; count < 50_001; count++) yield { uid: "1.2.3.1", file };
  })();
  const item = { "00081155": { vr: "UI", Value: ["1.2.3.1"] } };
  const report = JSON.stringify({ "00081199": { vr: "SQ", Value: new Array(25_000).fill(item) } });
  const play = async (exchange: RawExchange) => {
    await drain(exchange);
    await exchange.answer(200, report, { "content-type": "application/dicom+json" });
    return true;
  };
  await withSplitStore({ play }, { maxInstances: 25_000 }, async ({ store }) => {
    const { status, stored } = await store(inPiecesOf(stowBody(many), 65_524));
    assert.deepEqual([status, stored.length], [400, 50_000]);
  });
});

Deno.test("storeInParts does not store an instance without a delimiter behind it: it may be incomplete", async () => {
  const all = instances(1);
  await withSplitStore({}, { maxInstances: 2 }, async ({ origin, gateway }) => {
    using client = await rawClient(gateway.url);
    for (const piece of stowBody(all, { end: "" })) await client.writeChunk(piece);
    await client.write("0\r\n\r\n");
    const { status, text } = await readAnswer(client);
    assert.deepEqual([status, JSON.parse(text).code], [400, "NET-005"]);
    assert.equal(origin.stored.size, 0);
    assert.equal(origin.requests.length, 0);
  });
});

Deno.test("storeInParts: a client that disconnects leaves no incomplete instance at the store", async () => {
  const all = instances(3, 20_000);
  await withSplitStore({}, { maxInstances: 2, concurrency: 1 }, async ({ origin, gateway }) => {
    const client = await rawClient(gateway.url);
    for (const piece of stowBody(all.slice(0, 2), { end: "" })) await client.writeChunk(piece);
    await client.writeChunk(bytes(`--${BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n`));
    await client.writeChunk(all[2]!.file.subarray(0, 700_000));
    await until(() => origin.begun === 2);
    client[Symbol.dispose]();
    await until(() => origin.broken === 1);
    assert.deepEqual(origin.stored, hashes(all.slice(0, 2)));
    assert.equal(origin.requests.length, 1);
  });
});

Deno.test("storeInParts: a store that stalls makes the client wait, and a client that leaves ends the request", async () => {
  const stalled = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const play = async (exchange: RawExchange) => {
    for await (const _ of exchange.body()) break;
    stalled.resolve();
    await gone.promise;
    await exchange.untilGone();
    return true;
  };
  await withSplitStore({ play }, { maxBytes: 1_000_000_000 }, async ({ gateway }) => {
    const client = await rawClient(gateway.url);
    const sending = sendWithoutEnd(client, "instance");
    await stalled.promise;
    try {
      // Between client and store, socket buffers and 256 KiB fill; then reading stops.
      let before = -1;
      while (before !== sending.sent && before < 64 * 1024 * 1024) {
        before = sending.sent;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      assert.ok(sending.sent < 64 * 1024 * 1024, `${sending.sent} bytes were taken`);
    } finally {
      client[Symbol.dispose]();
      gone.resolve();
    }
    await within(LIMIT_MS, "the end of sending", sending.done);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`not within ${LIMIT_MS} ms: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
