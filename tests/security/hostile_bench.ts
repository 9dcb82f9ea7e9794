/**
 * The gateway with a store that records what reaches it, a host that nothing may ever reach, and clients
 * that send arbitrary bytes.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import {
  type RawExchange,
  type RawHandler,
  type RawOrigin,
  startRawOrigin,
} from "../fixtures/raw_origin.ts";
import { STORED_REPORT } from "../fixtures/stow_request.ts";

/** The credential that the gateway sends to the store. */
export const CREDENTIAL = "Bearer of-the-gateway";
/** Path of the store's base URL. */
export const BASE = "/base/dicom-web";

/** A request that the store received. */
export interface StoreRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Headers;
  readonly body: string;
}

/** The response to a client. */
export interface HostileAnswer {
  readonly status: number;
  /** The code, if the gateway itself answered with an error. */
  readonly code: string | undefined;
  readonly body: string;
}

export interface HostileBench extends AsyncDisposable {
  readonly gateway: GatewayProcess;
  readonly store: RawOrigin;
  /** The default of the store: records its requests. */
  readonly record: RawHandler;
  /** An identity provider controlled by the test. */
  readonly provider: RawOrigin;
  /** A host that the configuration does not name; it answers any request. */
  readonly elsewhere: RawOrigin;
  /** The requests that the store received since the last call. */
  takeSeen(): StoreRequest[];
  /**
   * Sends bytes over a new connection and reads the first response.
   *
   * @param pieces The bytes; `HOST` in them is replaced by the gateway's.
   * @returns The response; status 0 if there was none.
   */
  send(...pieces: (string | Uint8Array)[]): Promise<HostileAnswer>;
  /** Checks that a regular search is answered, and that no invariant was violated. */
  assertUnharmed(): Promise<void>;
}

/** Base URLs for further servers. */
export interface HostileUrls {
  readonly store: string;
  readonly provider: string;
  readonly elsewhere: string;
}

const LIMIT_MS = 60_000;
const encoder = new TextEncoder();
/** Longest recorded body. */
const MAX_KEPT = 1024 * 1024;

/** @param servers Makes further servers. */
export async function startHostileBench(
  servers: (urls: HostileUrls) => Record<string, unknown> = () => ({}),
): Promise<HostileBench> {
  let seen: StoreRequest[] = [];
  const all: StoreRequest[] = [];
  const record = async (exchange: RawExchange) => {
    const decoder = new TextDecoder();
    let body = "";
    for await (const piece of exchange.body()) {
      if (body.length < MAX_KEPT) body += decoder.decode(piece, { stream: true });
    }
    const { method, target, headers } = exchange;
    seen.push({ method, target, headers, body });
    all.push(seen.at(-1)!);
    const isStored = exchange.method === "POST" && /\/studies(\?|$)/.test(exchange.target);
    await exchange.answer(200, isStored ? STORED_REPORT : "[]", {
      "content-type": "application/dicom+json",
    });
  };
  const store = startRawOrigin(record);
  const provider = startRawOrigin((exchange) => exchange.answer(503, "not yet"));
  const elsewhere = startRawOrigin((exchange) => exchange.answer(200, "elsewhere"));
  const gateway = await startGateway({
    Servers: {
      main: {
        Url: store.url + BASE,
        ProviderType: "headers",
        Headers: { Authorization: CREDENTIAL },
      },
      ...servers({ store: store.url, provider: provider.url, elsewhere: elsewhere.url }),
    },
  });
  const host = new URL(gateway.url).host;

  const bench: HostileBench = {
    gateway,
    store,
    record,
    provider,
    elsewhere,
    takeSeen() {
      const taken = seen;
      seen = [];
      return taken;
    },
    async send(...pieces) {
      using client = await RawClient.connect(gateway.url);
      const sent = (async () => {
        for (const piece of pieces) {
          const bytes = typeof piece === "string" ? piece.replaceAll("HOST", host) : piece;
          await client.write(typeof bytes === "string" ? latin1(bytes) : bytes);
        }
      })().catch(() => {});
      const read = (async () => {
        const { status, headers, body } = await client.answer();
        const decoder = new TextDecoder();
        let text = "";
        for await (const piece of body) {
          if (text.length < MAX_KEPT) text += decoder.decode(piece, { stream: true });
        }
        const isProblem = headers.get("content-type") === "application/problem+json";
        const code = isProblem ? JSON.parse(text).error_code as string : undefined;
        return { status, code, body: text };
      })().catch(() => ({ status: 0, code: undefined, body: "" }));
      const answer = await within(LIMIT_MS, "an answer", read);
      client[Symbol.dispose]();
      await sent;
      return answer;
    },
    async assertUnharmed() {
      for (const { target, headers } of all.splice(0)) {
        assert.ok(
          target === BASE || target.startsWith(`${BASE}/`) || target.startsWith(`${BASE}?`),
          `the store saw ${target}`,
        );
        assert.equal(headers.get("authorization"), CREDENTIAL);
        assert.doesNotMatch(target.split("?")[0]!, /\.\.|\\|%2e|%2f|%5c|%25|%0|\/\/|#|@/i);
      }
      assert.equal(elsewhere.connections, 0, "another host was contacted");
      store.play(record);
      bench.takeSeen();
      const usual = await bench.send(
        "GET /dicom-web/main/studies?limit=1 HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n",
      );
      assert.deepEqual([usual.status, usual.body], [200, "[]"]);
      assert.deepEqual(bench.takeSeen().map(({ target }) => target), [`${BASE}/studies?limit=1`]);
      assert.doesNotMatch(gateway.output(), /INT-001/);
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await store.close();
      await provider.close();
      await elsewhere.close();
    },
  };
  return bench;
}

function latin1(text: string): Uint8Array {
  // deno-lint-ignore no-control-regex -- everything but single bytes
  if (/[^\u0000-\u00ff]/.test(text)) return encoder.encode(text);
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
