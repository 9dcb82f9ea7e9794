import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import {
  basicAuthorization,
  fixedHeadersAuthorizer,
} from "../../src/credentials/fixed/fixed_headers_authorizer.ts";
import { forward, type Seen, withStore } from "./store_harness.ts";

const TOKEN = `eyJhbGciOiJSUzI1NiJ9.${"c3RvcmUr/".repeat(150)}.c2ln==`;
const CREDENTIALS: Record<string, Record<string, string>> = {
  "bearer token": { authorization: `Bearer ${TOKEN}` },
  "user and password": { authorization: basicAuthorization("gateway", "correct horse") },
  "fixed header": { "x-api-key": "key/with+signs==" },
};
const SECRETS = [TOKEN, btoa("gateway:correct horse"), "correct horse", "key/with+signs=="];

function page({ headers }: Seen): string {
  const lines = [...headers].map(([name, value]) => `${name}: ${value}`);
  return [
    `<h1>No such study</h1><pre>${lines.join("\n").replaceAll("<", "&lt;")}</pre>`,
    JSON.stringify(Object.fromEntries(headers)).replaceAll("/", "\\/"),
    encodeURIComponent(lines.join("&")),
    `<!-- ${btoa(lines.join("\n"))} --> the end`,
  ].join("\n");
}

const FRAMINGS: Record<string, (text: string, status: number) => Response> = {
  "with a length": (text, status) =>
    new Response(text, { status, headers: { "content-length": String(text.length) } }),
  "in pieces": (text, status) => {
    const bytes = new TextEncoder().encode(text);
    let at = 0;
    const body = new ReadableStream({
      async pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(at, at += 777));
        await new Promise((resolve) => setTimeout(resolve));
      },
    });
    return new Response(body, { status });
  },
  "compressed": (text, status) =>
    new Response(new Uint8Array(gzipSync(text)), {
      status,
      headers: { "content-encoding": "gzip" },
    }),
};

const STATUSES = [300, 305, 400, 401, 403, 404, 500, 503];

for (const [kind, headers] of Object.entries(CREDENTIALS)) {
  for (const [framing, respond] of Object.entries(FRAMINGS)) {
    Deno.test(`Store never passes its ${kind} to the client in an error response ${framing}`, async () => {
      const sent: string[] = [];
      await withStore((seen, count) => {
        sent.push(page(seen));
        return respond(page(seen), STATUSES[count - 1]!);
      }, async (store) => {
        for (const status of STATUSES) {
          const response = await forward(store, "/studies/1.2");
          assert.equal(response.status, status);
          const length = response.headers.get("content-length");
          const text = await response.text();
          assert.equal(text.length, sent.at(-1)!.length);
          if (length !== null) assert.equal(Number(length), text.length);
          for (const secret of SECRETS) {
            for (let at = 0; at + 12 <= secret.length; at += 4) {
              const piece = secret.slice(at, at + 12);
              assert(!text.includes(piece), `${piece} in ${text}`);
              // Six characters of base64 contain at least four bytes, wherever they begin.
              for (let shift = 0; shift < 3; shift++) {
                const base64 = btoa("a".repeat(shift) + piece).slice(4, -4);
                assert(!text.includes(base64), `${piece} as ${base64}`);
              }
            }
          }
          assert.match(text, /^<h1>No such study<\/h1>[^]* the end$/);
          assert.match(text, /request-1/, "what is no credential stays");
        }
      }, { authorizer: fixedHeadersAuthorizer("test", headers) });
    });
  }
}

Deno.test("Store never passes its credential to the client in the headers of an answer without a body", async () => {
  const etag = (seen: Seen) => new Headers({ etag: `"${seen.headers.get("x-api-key")}"` });
  await withStore(
    (seen) => new Response(null, { status: 304, headers: etag(seen) }),
    async (store) => {
      const response = await forward(store, "/studies/1.2");
      assert.equal(response.status, 304);
      assert.match(response.headers.get("etag") ?? "", /^"\*+"$/);
    },
    { authorizer: fixedHeadersAuthorizer("test", CREDENTIALS["fixed header"]!) },
  );
});

Deno.test("Store does not touch successful responses to mask them", async () => {
  await withStore((seen) => new Response(page(seen)), async (store, seen) => {
    const response = await forward(store, "/studies/1.2");
    assert.equal(await response.text(), page(seen[0]!));
  }, { authorizer: fixedHeadersAuthorizer("test", CREDENTIALS["fixed header"]!) });
});
