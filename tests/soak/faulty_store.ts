/**
 * A store whose responses can be verified, with faults on request.
 */
import { STORED_REPORT } from "../fixtures/stow_request.ts";
import { createHash } from "node:crypto";
import { seededBytes } from "../fixtures/seeded_bytes.ts";

export type StoreFault = "none" | "unavailable" | "throttles" | "cuts" | "cuts uploads" | "stalls";

export interface FaultyStore {
  readonly url: string;
  /** The fault of every other request. */
  fault: StoreFault;
  /** The SHA-256 of each body that was stored completely. */
  readonly kept: ReadonlySet<string>;
  /** The number of faulty responses. */
  readonly spoilt: number;
  close(): Promise<void>;
}

const PIECE = 64 * 1024;
const STALL_MS = 1_500;

/**
 * Starts a store on 127.0.0.1. `GET …?seed=S&bytes=N` answers bytes derived from S; `POST` stores a
 * body and answers its SHA-256.
 */
export function startFaultyStore(accepts: (token: string) => boolean): FaultyStore {
  const kept = new Set<string>();
  let count = 0;
  let spoilt = 0;

  async function handle(request: Request): Promise<Response> {
    const fault = count++ % 2 === 0 ? store.fault : "none";
    if (fault !== "none") spoilt++;
    const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    if (!accepts(token)) return refusal(request, 401);
    switch (fault) {
      case "unavailable":
        return refusal(request, 503);
      case "throttles":
        return refusal(request, 429, { "retry-after": "1" });
      case "stalls":
        await new Promise((resolve) => setTimeout(resolve, STALL_MS));
    }
    return request.method === "GET" ? retrieve(request, fault) : await keep(request, fault);
  }

  async function keep(request: Request, fault: StoreFault): Promise<Response> {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const piece of request.body ?? []) {
      hash.update(piece);
      bytes += piece.length;
      // Leaving the loop cancels the rest of the body.
      if (fault === "cuts uploads" && bytes > PIECE) return new Response("full", { status: 507 });
    }
    const digest = hash.digest("hex");
    kept.add(digest);
    return new Response(STORED_REPORT, { headers: { "content-type": "application/dicom+json" } });
  }

  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  }, async (request) => {
    try {
      return await handle(request);
    } catch {
      // The upload broke off: the response has no reader.
      return new Response(null, { status: 400 });
    }
  });
  const store: FaultyStore = {
    url: `http://127.0.0.1:${server.addr.port}/dicom-web`,
    fault: "none",
    kept,
    get spoilt() {
      return spoilt;
    },
    close: () => server.shutdown(),
  };
  return store;
}

async function refusal(request: Request, status: number, headers = {}): Promise<Response> {
  await request.body?.cancel();
  return new Response("not now", { status, headers });
}

function retrieve(request: Request, fault: StoreFault): Response {
  const { searchParams } = new URL(request.url);
  const bytes = seededBytes(Number(searchParams.get("seed")), Number(searchParams.get("bytes")));
  const headers: Record<string, string> = { "content-type": "application/octet-stream" };
  if (searchParams.has("sized")) headers["content-length"] = String(bytes.length);
  const last = fault === "cuts" ? Math.floor(bytes.length / 2) : bytes.length;
  let at = 0;
  return new Response(
    new ReadableStream({
      pull(controller) {
        if (at >= last) {
          if (fault === "cuts") controller.error(new Error("cut"));
          else controller.close();
          return;
        }
        controller.enqueue(bytes.subarray(at, at = Math.min(at + PIECE, last)));
      },
    }),
    { headers },
  );
}
