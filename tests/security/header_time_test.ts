/**
 * Headers of any shape, as long as the runtime accepts, from clients and from stores: the gateway's
 * processor time grows with their length, not with its square. One worker serves all clients, so all
 * of them wait for an expensive header.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { makeApiKey } from "../../src/credentials/inbound/api_keys.ts";
import { createQuotaMemory } from "../../src/gateway/steps/quota_table.ts";
import { assembleGateway, type Gateway } from "../../src/runtime/assemble_gateway.ts";
import { configureLogging } from "../../src/telemetry/logging.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { parseSection } from "../config/memory_files.ts";

/** In the order of the longest that the runtime accepts (about 400 KB). */
const LONG = 96_000;
const SHORT = LONG / 8;
/** Less is negligible. */
const UNNOTICED_MS = 30;
/** Eight times the length takes eight times as long; quadratic time would be 64 times. */
const MOST_TIMES = 24;

/** The repeated text, and the texts before and after it. */
const SHAPES: readonly (readonly [repeated: string, before?: string, behind?: string])[] = [
  [","],
  [";"],
  ['"'],
  ["="],
  ["<"],
  [">"],
  ["["],
  ["("],
  [" ", "a/b", "x"],
  ["\t", "a", "x"],
  [" ;"],
  ["1"],
  ["1.", "1.2.840"],
  ["a", "", "!"],
  ["/", "https://store.example", "x"],
  ["%41"],
  ["%", "::", "x"],
  ['\\"', '<a>;b="'],
  ['\\"', '"', "\\"],
  ["<a>;x=", ""],
  ['<a>;x="', ""],
  ["a=", ""],
  ["a;", ""],
  ["a=b;"],
  ['a="b";'],
  ['for="a;', ""],
  ["for=1.2.3.4, "],
  ["127.0.0.1,"],
  ["1.2.3.4:5,"],
  ["a/b;q=0.1,"],
  ["*/*,a/b;q=0,"],
  ["a/"],
  ["multipart/related;"],
  ["multipart/related; type=application/dicom, "],
  ["transfer-syntax=*;", 'multipart/related; type="application/dicom"; '],
  ['W/"'],
  ["chunked "],
  ["http://127.0.0.1/"],
  ["http://", "299 a "],
  ["http://store.example:,.;)]", "299 "],
  [":,.;)]", "http://a", "x"],
  ["eyJ"],
  ["eyJ.", ""],
  ["Bearer "],
  ["Basic ", "Basic "],
  ["Bearer eyJ."],
  ["dXNlcjpw", "Basic "],
  ["-00", "00-"],
  ["Credential="],
  ["\u00ff"],
];

const CLIENT_HEADERS = [
  "accept",
  "accept-charset",
  "authorization",
  "connection",
  "content-encoding",
  "content-location",
  "content-type",
  "cookie",
  "forwarded",
  "host",
  "if-match",
  "if-none-match",
  "link",
  "location",
  "origin",
  "range",
  "referer",
  "sec-websocket-protocol",
  "slug",
  "traceparent",
  "user-agent",
  "x-api-key",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-proto",
  "x-request-id",
  "warning",
];

const STORE_HEADERS = [
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-location",
  "content-type",
  "date",
  "etag",
  "link",
  "location",
  "preference-applied",
  "retry-after",
  "set-cookie",
  "vary",
  "warning",
  "www-authenticate",
  "x-amzn-errortype",
  "x-total-count",
];

const STOW = 'multipart/related; type="application/dicom"; boundary=b';
const INFO = {
  completed: Promise.resolve(),
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
} as const;

function headerOf([repeated, before = "", behind = ""]: typeof SHAPES[number], length: number) {
  return before + repeated.repeat(Math.floor(length / repeated.length)) + behind;
}

/** A gateway in this process with a store that answers with the header of the test. */
class Bench implements AsyncDisposable {
  readonly #store: Deno.HttpServer<Deno.NetAddr>;
  #gateway!: Gateway;
  /** Of the last response to the client. */
  status = 0;
  answer: { status: number; headers: Record<string, string> } = { status: 200, headers: {} };

  constructor() {
    this.#store = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (r) => {
      await r.body?.cancel();
      const { status, headers } = this.answer;
      return new Response("[]", {
        status,
        headers: { "content-type": "application/dicom+json", ...headers },
      });
    });
  }

  async start(section: Record<string, unknown>): Promise<this> {
    configureLogging({ level: "debug", format: "text", write: () => {} });
    const url = `http://127.0.0.1:${this.#store.addr.port}/dicom-web`;
    const server = (more: Record<string, unknown>) => ({
      ProviderType: "bearer",
      Token: "of-the-gateway",
      Url: url,
      ...more,
    });
    const config = await parseSection({
      TrustedProxies: ["127.0.0.1"],
      Servers: {
        cloud: server({}),
        azure: server({ Profile: "azure" }),
        aws: server({ Profile: "aws" }),
      },
      TokenCache: { Backend: "memory" },
      ...section,
    });
    this.#gateway = assembleGateway(config, {
      metrics: createMetrics(),
      metricsText: () => Promise.resolve(""),
      announceRevocation: () => {},
      version: "1",
      quotas: { failures: createQuotaMemory(), requests: createQuotaMemory() },
      states: () => Promise.resolve({ states: [], silent: 0, faults: [] }),
      formKey: "key",
    });
    return this;
  }

  /** @returns Processor time of one request, in milliseconds. */
  async time(path: string, init: RequestInit): Promise<number> {
    const request = new Request(`http://127.0.0.1:8043${path}`, init);
    const before = process.cpuUsage();
    const response = await this.#gateway.handle(request, INFO);
    this.status = response.status;
    await response.text().catch(() => {});
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway.close();
    await this.#store.shutdown();
  }
}

/** Checks that the time is about linear in the length; measures again before it fails. */
async function assertLinear(name: string, time: (length: number) => Promise<number>) {
  let measured = "";
  for (let attempt = 0; attempt < 3; attempt++) {
    const long = await time(LONG);
    if (long < UNNOTICED_MS) return;
    const short = Math.min(await time(SHORT), await time(SHORT), await time(SHORT));
    if (long < MOST_TIMES * Math.max(short, UNNOTICED_MS / MOST_TIMES)) return;
    measured = `${SHORT} bytes took ${short} ms, ${LONG} took ${long} ms`;
  }
  assert.fail(`${name}: ${measured}`);
}

/** Headers that are read differently for some stores, or for requests with a body. */
const EXCHANGES: Readonly<Record<string, readonly (readonly [method: string, server: string])[]>> =
  {
    "accept": [["GET", "cloud"], ["GET", "azure"], ["GET", "aws"]],
    "content-type": [["GET", "cloud"], ["POST", "cloud"], ["POST", "azure"]],
    "content-encoding": [["POST", "cloud"]],
    "content-location": [["POST", "cloud"]],
    "link": [["GET", "cloud"], ["POST", "cloud"]],
  };

/** Headers that a gateway with authentication reads. */
const OF_CREDENTIALS = ["authorization", "cookie", "x-api-key", "x-forwarded-for", "forwarded"];

function clientSteps(bench: Bench, names: readonly string[]) {
  return names.map((name) => ({
    name,
    async fn() {
      for (const shape of SHAPES) {
        for (const [method, server] of EXCHANGES[name] ?? [["GET", "cloud"]]) {
          const isPost = method === "POST";
          await assertLinear(`${method} ${server} ${shape}`, (length) => {
            const headers = new Headers(isPost ? { "content-type": STOW } : {});
            headers.set(name, headerOf(shape, length));
            const target = isPost ? "studies" : "studies/1.2.3";
            return bench.time(`/dicom-web/${server}/${target}`, {
              method,
              headers,
              ...(isPost && { body: "--b--" }),
            });
          });
        }
      }
    },
  }));
}

Deno.test("header time: no header of a client takes more than linear time", async (t) => {
  await using bench = await new Bench().start({});
  for (const step of clientSteps(bench, CLIENT_HEADERS)) await t.step(step);
});

Deno.test("header time: no credential takes more than linear time", async (t) => {
  const { hash } = makeApiKey();
  const password =
    "$scrypt$ln=15,r=8,p=3$2qz2Bvv3jSWFvYR/hWZq2w$lAcGzaLNFwIOXB1zo5eNzsd02i/BHm1k8DvqBhB3U7w";
  await using bench = await new Bench().start({
    Authentication: {
      ApiKeys: { Keys: { a: hash } },
      Basic: { Users: { b: password } },
      Jwt: {
        c: { Issuer: "http://127.0.0.1:9", Audience: "gateway", JwksUri: "http://127.0.0.1:9/" },
      },
    },
  });
  for (const step of clientSteps(bench, OF_CREDENTIALS)) await t.step(step);
});

/** Statuses of responses in which a header is read. */
const STATUSES: Readonly<Record<string, readonly number[]>> = {
  "location": [201, 307],
  "www-authenticate": [401],
  "retry-after": [429],
  "content-type": [200, 404],
};

Deno.test("header time: no header of a store takes more than linear time", async (t) => {
  await using bench = await new Bench().start({});
  bench.answer = { status: 200, headers: { "x-long": headerOf(["a"], LONG) } };
  await bench.time("/dicom-web/cloud/studies/1.2.3/metadata", {});
  assert.equal(bench.status, 200, "the runtime takes no headers as long as these");
  for (const name of STORE_HEADERS) {
    await t.step(name, async () => {
      for (const shape of SHAPES) {
        for (const status of STATUSES[name] ?? [200]) {
          await assertLinear(`${status} ${shape}`, (length) => {
            bench.answer = { status, headers: { [name]: headerOf(shape, length) } };
            return bench.time("/dicom-web/cloud/studies/1.2.3/metadata", {});
          });
        }
      }
    });
  }
});

Deno.test("header time: the measurement detects quadratic time", async () => {
  const quadratic = (length: number) => {
    const before = process.cpuUsage();
    " ".repeat(length / 5).concat("x").replace(/ +$/, "");
    const { user } = process.cpuUsage(before);
    return Promise.resolve(user / 1000);
  };
  await assert.rejects(assertLinear("trailing blanks", quadratic), /trailing blanks: 12000 bytes/);
});
