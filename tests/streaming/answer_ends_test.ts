/**
 * The outcome of a response in the audit trail and the metrics: never "broken off" if the client received
 * all of it, and never "complete" if it broke off.
 */
import assert from "node:assert/strict";
import { startGateway } from "../fixtures/gateway_process.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { type RawHandler, startRawOrigin } from "../fixtures/raw_origin.ts";

const PIECE = new Uint8Array(64 * 1024).fill(0x61);
const PIECES = 20;
const LENGTH = String(PIECES * PIECE.length);
const CHUNK = new TextEncoder().encode(
  `${PIECE.length.toString(16)}\r\n${"a".repeat(PIECE.length)}\r\n`,
);
const LIMIT_MS = 20_000;

/** Answers with a body of known length, or a part of it. */
function withLength(pieces = PIECES): RawHandler {
  return async (exchange) => {
    await exchange.writeHead(200, { "content-length": LENGTH });
    for (let count = 0; count < pieces; count++) await exchange.write(PIECE);
    if (pieces < PIECES) exchange.close();
  };
}

/** Answers in chunks, with or without the last one. */
function inChunks(isWhole: boolean): RawHandler {
  return async (exchange) => {
    await exchange.writeHead(200, { "transfer-encoding": "chunked" });
    for (let count = 0; count < PIECES; count++) await exchange.write(CHUNK);
    if (isWhole) await exchange.write(new TextEncoder().encode("0\r\n\r\n"));
    else exchange.close();
  };
}

const endless: RawHandler = async (exchange) => {
  await exchange.writeHead(200, { "transfer-encoding": "chunked" });
  for (;;) await exchange.write(CHUNK);
};

interface Case {
  readonly play: RawHandler;
  readonly server: "main" | "counted";
  readonly clientLeaves?: boolean;
  readonly outcome: keyof typeof LABELS;
  /** Bytes sent, in the trail; all unless given, none for bodies without a length. */
  readonly bytes?: number;
}

/** Outcomes in the trail, with their labels in the metrics. */
const LABELS = {
  "complete": "complete",
  "broken off": "broken",
  "passed on": "passed_on",
} as const;

const CASES: Record<string, Case> = {
  "in chunks": { play: inChunks(true), server: "main", outcome: "complete" },
  "in chunks, the store breaks off": {
    play: inChunks(false),
    server: "main",
    outcome: "broken off",
  },
  "in chunks, the client leaves": {
    play: endless,
    server: "main",
    clientLeaves: true,
    outcome: "broken off",
  },
  "of known length": { play: withLength(), server: "main", outcome: "passed on" },
  "of known length, counted": { play: withLength(), server: "counted", outcome: "complete" },
  "of known length, counted, the store breaks off": {
    play: withLength(PIECES / 2),
    server: "counted",
    outcome: "broken off",
    bytes: PIECES / 2 * PIECE.length,
  },
  "that is short and rewritten": {
    play: (exchange) => exchange.answer(200, "[]", { "content-type": "application/json" }),
    server: "main",
    outcome: "complete",
  },
};

Deno.test("The end of a response is recorded as far as it is known, in the audit trail and the metrics", async (t) => {
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-ends-" });
  const file = `${directory}/trail/audit.jsonl`;
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  const server = {
    Url: origin.url,
    ProviderType: "headers",
    Headers: { Authorization: "Bearer t" },
  };
  await using gateway = await startGateway({
    Audit: { File: file },
    Servers: { main: server, counted: { ...server, Timeouts: { IdleSeconds: 10 } } },
  });
  const expected = new Map<string, number>();
  for (
    const [name, { play, server, clientLeaves = false, outcome, bytes }] of Object.entries(CASES)
  ) {
    const id = name.replaceAll(/\W/g, "-");
    await t.step(name, async () => {
      origin.play(play);
      using client = await RawClient.connect(gateway.url);
      await client.write(
        client.head("GET", `/dicom-web/${server}/studies/1.2`, {
          "x-request-id": id,
        }),
      );
      try {
        for await (const _ of (await client.answer()).body) if (clientLeaves) break;
      } catch {
        assert.equal(outcome, "broken off");
      }
      client[Symbol.dispose]();
      const record = await recordOf(file, id);
      assert.equal(record.outcome, outcome);
      const whole = name.includes("known length") ? Number(LENGTH) : null;
      assert.equal(record.bytes_sent, bytes ?? whole);
      const lines = gateway.output().split("\n").filter((line) => line.includes(id));
      assert.equal(
        lines.some((line) => line.includes("Response aborted")),
        outcome === "broken off",
      );
      const label = `{server="${server}",outcome="${LABELS[outcome]}"}`;
      expected.set(label, (expected.get(label) ?? 0) + 1);
    });
  }
  const metrics = await (await fetch(`${gateway.url}/dicomweb-oauth/metrics`)).text();
  for (const [labels, count] of expected) {
    assert.ok(
      metrics.includes(`dicomweb_oauth_transfer_duration_seconds_count${labels} ${count}\n`),
      labels,
    );
  }
  await origin.close();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("A client that disconnects before the response is no failure of the gateway or the store", async () => {
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-ends-" });
  const file = `${directory}/trail/audit.jsonl`;
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const origin = startRawOrigin((exchange) => {
    ask();
    return over.then(() => exchange.close());
  });
  await using gateway = await startGateway({
    Audit: { File: file },
    Servers: {
      main: { Url: origin.url, ProviderType: "headers", Headers: { Authorization: "Bearer t" } },
    },
  });
  {
    using client = await RawClient.connect(gateway.url);
    await client.write(
      client.head("GET", "/dicom-web/main/studies", { "x-request-id": "left" }),
    );
    await asked;
  }
  const { outcome, event, status, error_code } = await recordOf(file, "left");
  assert.deepEqual({ outcome, event, status, error_code }, {
    outcome: "broken off",
    event: "access",
    status: 499,
    error_code: null,
  });
  const pages = `${gateway.url}/dicomweb-oauth`;
  const metrics = await (await fetch(`${pages}/metrics`)).text();
  assert.match(metrics, /_transfer_duration_seconds_count\{server="main",outcome="broken"\} 1/);
  assert.doesNotMatch(metrics, /status="5\d\d"|error_code="INT-001"\S* [1-9]/);
  assert.doesNotMatch(await (await fetch(`${pages}/servers`)).text(), /INT-001/);
  assert.doesNotMatch(gateway.output(), /INT-001/);
  end();
  await origin.close();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("A client that disconnects within its body is recorded as broken off, and not as a failure of the store", async (t) => {
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-ends-" });
  const file = `${directory}/trail/audit.jsonl`;
  const origin = startRawOrigin(async (exchange) => {
    for await (const _ of exchange.body());
  });
  const server = { Url: origin.url, ProviderType: "headers", Headers: { Authorization: "t" } };
  await using gateway = await startGateway({
    Audit: { File: file },
    Servers: { main: server, counted: { ...server, Timeouts: { IdleSeconds: 10 } } },
  });
  const framings = [
    [{ "content-length": "1000" }, "half"],
    [{ "transfer-encoding": "chunked" }, "4\r\nhalf\r\n"],
  ] as const;
  for (const name of ["main", "counted"]) {
    for (const [headers, half] of framings) {
      const id = `${name}-${Object.keys(headers)}`;
      await t.step(id, async () => {
        const before = origin.exchanges;
        {
          using client = await RawClient.connect(gateway.url);
          const target = `/dicom-web/${name}/studies`;
          await client.write(client.head("POST", target, { ...headers, "x-request-id": id }));
          await client.write(half);
          while (origin.exchanges === before) await new Promise((go) => setTimeout(go, 10));
        }
        const { outcome, error_code } = await recordOf(file, id);
        assert.deepEqual([outcome, error_code], ["broken off", "NET-005"]);
      });
    }
  }
  const pages = `${gateway.url}/dicomweb-oauth`;
  const metrics = await (await fetch(`${pages}/metrics`)).text();
  for (const name of ["main", "counted"]) {
    const count = "transfer_duration_seconds_count";
    assert.match(metrics, new RegExp(`${count}\\{server="${name}",outcome="broken"\\} 2\\n`));
    assert.doesNotMatch(metrics, new RegExp(`${count}\\{server="${name}",outcome="complete"`));
  }
  const { data } = await (await fetch(`${pages}/servers`)).json();
  for (const { last_request } of data.servers) assert.equal(last_request, null);
  await origin.close();
  await Deno.remove(directory, { recursive: true });
});

// deno-lint-ignore no-explicit-any -- a record as written
async function recordOf(file: string, requestId: string): Promise<any> {
  const deadline = Date.now() + LIMIT_MS;
  while (Date.now() < deadline) {
    const lines = (await Deno.readTextFile(file)).split("\n").filter((line) => line !== "");
    const record = lines.map((line) => JSON.parse(line)).find((record) =>
      record.request_id === requestId
    );
    if (record !== undefined) return record;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no record of ${requestId} within ${LIMIT_MS} ms`);
}
