import assert from "node:assert/strict";
import { parseConfig, sourceOf } from "../../src/config/parse_config.ts";
import { serveOnLoopback } from "../../src/demo/loopback_server.ts";
import { type DemoConfiguration, type DemoOptions, runDemo } from "../../src/demo/run_demo.ts";
import { type GatewayFaults, startForwardingGateway } from "./forwarding_gateway.ts";

const ANY_PORTS = { gateway: 0, store: 0, identityProvider: 0 };

interface Outcome {
  readonly worked: boolean;
  readonly lines: readonly string[];
  readonly configuration: DemoConfiguration | undefined;
}

async function run(
  faults: GatewayFaults = {},
  options: Partial<DemoOptions> = {},
): Promise<Outcome> {
  const lines: string[] = [];
  let configuration: DemoConfiguration | undefined;
  const worked = await runDemo({
    once: true,
    print: (line) => lines.push(line),
    signal: new AbortController().signal,
    ports: ANY_PORTS,
    startGateway: (document) => {
      configuration = document;
      return Promise.resolve(startForwardingGateway(document, faults));
    },
    ...options,
  });
  return { worked, lines, configuration };
}

/** The marks of the steps, in their order. */
function marks({ lines }: Pick<Outcome, "lines">): string {
  return lines.map((line) => line[0]).filter((mark) => mark === "✓" || mark === "✗").join("");
}

function failure({ lines }: Outcome): string {
  return lines.find((line) => line.startsWith("✗")) ?? "";
}

Deno.test("runDemo makes the round trip and reports that every step worked", async () => {
  const outcome = await run();
  assert.equal(outcome.worked, true);
  assert.equal(marks(outcome), "✓✓✓✓✓✓");
  assert.ok(outcome.lines.includes("Every step worked."));
  assert.ok(
    outcome.lines.some((line) => /one access token and used it for all 8 requests/.test(line)),
  );
});

Deno.test("runDemo starts the gateway with a valid configuration, and never prints its secret", async () => {
  const { configuration, lines } = await run();
  const config = await parseConfig(
    sourceOf(configuration!, { path: "demo", stateHome: "/var/lib/demo" }),
  );
  const credentials = config.servers.get("demo")!.credentials;
  assert.ok(credentials.kind === "client_credentials");
  assert.ok("clientSecret" in credentials.clientAuthentication);
  const secret = credentials.clientAuthentication.clientSecret.reveal();
  assert.equal(lines.some((line) => line.includes(secret)), false);
});

const json = (status: number, body: unknown) => Response.json(body, { status });
const problem = { error_code: "TOK-001", message: "Cannot fetch a token" };

/** Faults that the demo must detect. */
const faults: [why: string, faults: GatewayFaults, marks: string, line: RegExp][] = [
  [
    "a store that cannot be reached",
    { answer: () => json(502, problem) },
    "✓✗✗✗✗✗",
    /^✗ Store the study through the gateway: the answer was 502: TOK-001 Cannot fetch a token$/,
  ],
  [
    "instances that were not stored",
    {
      change: (method, _, response) =>
        method === "POST" ? instead(response, json(202, {})) : response,
    },
    "✓✗✗✗✗✓",
    /^✗ Store .*not all were stored \(202\)/,
  ],
  [
    "an answer that names no instances",
    {
      change: (method, _, response) =>
        method === "POST" ? instead(response, json(200, {})) : response,
    },
    "✓✗✓✓✓✓",
    /^✗ Store .*images stored: 0 instead of 10/,
  ],
  [
    "a study that is not found",
    { answer: (_, path) => path.startsWith("/studies?PatientName") ? json(200, []) : undefined },
    "✓✓✗✓✓✓",
    /^✗ Query .*studies found: 0 instead of 1/,
  ],
  [
    "a bit that has changed",
    { change: changeABit },
    "✓✓✓✗✓✓",
    /^✗ Retrieve .*image \d+ has changed/,
  ],
  [
    "an answer that is cut off",
    { change: cutOff },
    "✓✓✓✗✓✓",
    /^✗ Retrieve .*ended before its closing boundary/,
  ],
  [
    "a delete that deletes nothing",
    { answer: (method) => method === "DELETE" ? new Response(null, { status: 204 }) : undefined },
    "✓✓✓✓✗✓",
    /^✗ Delete .*HTTP status afterwards: 200 instead of 404/,
  ],
  [
    "a token for every request",
    { keepsNoToken: true },
    "✓✓✓✓✓✗",
    /^✗ Count .*tokens: \d+ instead of 1/,
  ],
];

for (const [why, fault, expected, line] of faults) {
  Deno.test(`runDemo detects ${why}, and continues if that makes sense`, async () => {
    const outcome = await run(fault);
    assert.equal(outcome.worked, false);
    assert.equal(marks(outcome), expected);
    assert.match(failure(outcome), line);
    assert.ok(outcome.lines.includes("Not every step worked: see the lines marked ✗."));
  });
}

async function instead(response: Response, other: Response): Promise<Response> {
  await response.body?.cancel();
  return other;
}

async function changeABit(method: string, path: string, response: Response): Promise<Response> {
  if (method !== "GET" || !/^\/studies\/[^/?]+$/.test(path) || !response.ok) return response;
  const body = await response.bytes();
  body[body.length - 1000]! ^= 1;
  return new Response(body, { headers: response.headers });
}

async function cutOff(method: string, path: string, response: Response): Promise<Response> {
  if (method !== "GET" || !/^\/studies\/[^/?]+$/.test(path) || !response.ok) return response;
  return new Response((await response.bytes()).slice(0, -1000), { headers: response.headers });
}

Deno.test("runDemo reports why the gateway does not start, and leaves nothing running", async () => {
  const outcome = await run({}, {
    startGateway: () => Promise.reject(new Error("the port is taken")),
  });
  assert.equal(outcome.worked, false);
  assert.equal(failure(outcome), "✗ Start the gateway: the port is taken");
});

Deno.test("runDemo moves to free ports if its own are in use, and reports it", async () => {
  const busy = serveOnLoopback(0, () => () => new Response("busy"));
  try {
    const outcome = await run({}, {
      ports: { gateway: busy.port, store: busy.port, identityProvider: busy.port },
    });
    assert.equal(outcome.worked, true);
    const moved = outcome.lines.filter((line) =>
      line.startsWith(`Port ${busy.port} is in use, so the `)
    );
    assert.equal(moved.length, 3);
  } finally {
    await busy.close();
  }
});

Deno.test("runDemo keeps running with the stored study until it is stopped", async () => {
  const stop = new AbortController();
  const { promise: staying, resolve } = Promise.withResolvers<void>();
  const lines: string[] = [];
  const demo = run({}, {
    once: false,
    signal: stop.signal,
    print: (line) => {
      lines.push(line);
      if (line.startsWith("Ctrl+C")) resolve();
    },
  });
  await staying;
  const url = /curl "(.*\/studies)"$/.exec(lines.find((line) => line.includes("curl"))!)![1]!;
  const found = await (await fetch(url)).json();
  assert.deepEqual(found[0]["00201208"].Value, [10]);
  stop.abort("SIGINT");
  assert.equal((await demo).worked, true);
  assert.equal(lines.at(-1), "Stopping.");
  await assert.rejects(fetch(url));
});

Deno.test("runDemo ends early when it is stopped during the round trip", async () => {
  const stop = new AbortController();
  const outcome = await run({
    answer(method) {
      if (method === "POST") stop.abort("SIGINT");
      return undefined;
    },
  }, { once: false, signal: stop.signal });
  assert.equal(outcome.worked, false);
  assert.equal(marks(outcome), "✓");
  assert.equal(outcome.lines.at(-1), "Stopped before the end.");
});
