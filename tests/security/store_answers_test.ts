/**
 * Responses of a store that try to set policy for the gateway's origin, through the real gateway, as bytes:
 * the client never receives such a header of the store, and the gateway's own ones once.
 */
import assert from "node:assert/strict";
import { RawClient } from "../fixtures/raw_client.ts";
import type { RawExchange } from "../fixtures/raw_origin.ts";
import { BASE, type HostileBench, startHostileBench } from "./hostile_bench.ts";

const SPEAKS_FOR_THE_ORIGIN: Readonly<Record<string, string>> = {
  "set-cookie": "session=of-the-gateway; Path=/",
  "strict-transport-security": "max-age=31536000; includeSubDomains",
  "alt-svc": 'h3=":443"',
  "clear-site-data": '"*"',
  "refresh": "0; url=https://elsewhere.example/",
  "service-worker-allowed": "/",
  "www-authenticate": 'Basic realm="store"',
  "public-key-pins": 'pin-sha256="x"',
  "nel": '{"report_to":"x"}',
  "report-to": '{"group":"x"}',
  "access-control-allow-origin": "*",
  "content-security-policy": "script-src *",
  "x-content-type-options": "sniff",
  "cross-origin-resource-policy": "cross-origin",
  "cross-origin-opener-policy": "unsafe-none",
  "x-unheard-of": "x",
};

/** Headers of every response, whatever the store sends. */
const OWN: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "sandbox; default-src 'none'",
  "cross-origin-resource-policy": "same-origin",
};

const JSON_TYPE = { "content-type": "application/dicom+json" };
const CACHED = { "cache-control": "public, s-maxage=600, max-age=60", vary: "Origin, Accept" };
const HTML = "<script>alert(1)</script>";

interface Case {
  readonly what: string;
  /** The start of the request line, and headers. */
  readonly request: string;
  /** The store's responses, one after the other. */
  readonly answers: readonly (readonly [
    status: number,
    body: string,
    headers: Readonly<Record<string, string>>,
  ])[];
  readonly status: number;
}

const get = (path: string, headers = "") => `GET /dicom-web/main${path} HTTP/1.1\r\n${headers}`;

const CASES: readonly Case[] = [
  {
    what: "a page",
    request: get("/studies/1/rendered"),
    answers: [[200, HTML, { "content-type": "text/html" }]],
    status: 200,
  },
  {
    what: "an answer that tells no type",
    request: get("/studies/1/bulkdata/1"),
    answers: [[200, HTML, {}]],
    status: 200,
  },
  {
    what: "a search whose URLs are rewritten",
    request: get("/studies"),
    answers: [[200, "[]", JSON_TYPE]],
    status: 200,
  },
  {
    what: "a range",
    request: get("/studies/1/bulkdata/1", "range: bytes=0-3\r\n"),
    answers: [[206, HTML.slice(0, 4), { "content-range": "bytes 0-3/25" }]],
    status: 206,
  },
  {
    what: "an answer to HEAD",
    request: "HEAD /dicom-web/main/studies/1/rendered HTTP/1.1\r\n",
    answers: [[200, "", { "content-type": "text/html" }]],
    status: 200,
  },
  {
    what: "an answer that is still good",
    request: get("/studies/1/rendered", 'if-none-match: "1"\r\n'),
    answers: [[304, "", { etag: '"1"' }]],
    status: 304,
  },
  {
    what: "a redirect that is followed",
    request: get("/studies/1/rendered"),
    answers: [
      [307, "", { location: `${BASE}/studies/2/rendered` }],
      [200, HTML, { "content-type": "text/html" }],
    ],
    status: 200,
  },
  ...[400, 401, 403, 404, 409, 500].map((status) => ({
    what: "an error page",
    request: get("/studies"),
    answers: [[status, HTML, { "content-type": "text/html" }]] as const,
    status,
  })),
  {
    what: "an answer to storing",
    request: "POST /dicom-web/main/studies HTTP/1.1\r\ncontent-length: 0\r\n",
    answers: [[200, "{}", JSON_TYPE]],
    status: 200,
  },
  {
    what: "an answer to OPTIONS",
    request: "OPTIONS /dicom-web/main/studies HTTP/1.1\r\n",
    answers: [[200, "", { allow: "GET" }]],
    status: 200,
  },
  {
    what: "an answer at a path that nothing knows",
    request: get("/admin"),
    answers: [[200, HTML, { "content-type": "image/svg+xml" }]],
    status: 200,
  },
];

Deno.test("hostile stores: no response sets policy for the gateway's origin or runs as a page of it", async (t) => {
  await using bench = await startHostileBench();
  for (const { what, request, answers, status } of CASES) {
    await t.step(`${what} (${status})`, async () => {
      let asked = 0;
      bench.store.play(async (exchange: RawExchange) => {
        for await (const _ of exchange.body());
        const [status, body, headers] = answers[asked++]!;
        const head = { ...SPEAKS_FOR_THE_ORIGIN, ...CACHED, ...headers };
        if (exchange.method === "HEAD" || status === 304) await exchange.writeHead(status, head);
        else await exchange.answer(status, body, head);
      });
      const headers = await headersOf(bench, request, status);
      assert.equal(asked, answers.length, "the store was asked");
      for (const name in SPEAKS_FOR_THE_ORIGIN) {
        assert.equal(headers.get(name), OWN[name] ?? null, name);
      }
      for (const name in OWN) assert.equal(headers.get(name), OWN[name], name);
      assert.equal(headers.get("cache-control"), "private, max-age=60");
      assert.match(headers.get("vary")!, /^Accept, Authorization, Cookie, Accept-Encoding$/);
    });
  }
});

async function headersOf(bench: HostileBench, request: string, status: number): Promise<Headers> {
  const { host } = new URL(bench.gateway.url);
  using client = await RawClient.connect(bench.gateway.url);
  await client.write(`${request}host: ${host}\r\nconnection: close\r\n\r\n`);
  const answer = await client.answer();
  assert.equal(answer.status, status);
  return answer.headers;
}

Deno.test("hostile clients: no header or token gives another identity, method or target at the store", async () => {
  await using bench = await startHostileBench();
  const lines = [
    "origin: http://HOST",
    "referer: http://viewer.example/?StudyInstanceUIDs=1.2.3&token=secret",
    "sec-fetch-site: same-origin",
    "cookie: JSESSIONID=x",
    "x-original-url: /admin",
    "X-Rewrite-URL: /admin",
    "x_http_method_override: DELETE",
    "X-HTTP-Method-Override: DELETE",
    "Remote-User: admin",
    "remote_user: admin",
    "X-Goog-User-Project: other",
    "X-Amz-Security-Token: x",
    "baggage: user=1",
    "msdicom-request-original: true",
  ];
  const target = "/dicom-web/main/studies?b=%2f&%61ccess_token=secret&a=1&access_token=x";
  const { status } = await bench.send(
    `GET ${target} HTTP/1.1\r\nhost: HOST\r\n${lines.join("\r\n")}\r\nconnection: close\r\n\r\n`,
  );
  assert.equal(status, 200);
  const [seen] = bench.takeSeen();
  assert.equal(seen!.target, `${BASE}/studies?b=%2f&a=1`);
  const sent = lines.map((line) => line.slice(0, line.indexOf(":")).toLowerCase());
  const arrived = [...seen!.headers.keys()].filter((name) => sent.includes(name));
  assert.deepEqual(arrived, ["msdicom-request-original"]);
  assert.doesNotMatch([...seen!.headers.values()].join("\n"), /secret|admin|evil|JSESSIONID/);
  await bench.assertUnharmed();
});

Deno.test("hostile pages: a preflight of a foreign page does not reach the store", async () => {
  await using bench = await startHostileBench();
  for (const more of ["", "sec-fetch-site: cross-site\r\nsec-fetch-mode: cors\r\n"]) {
    const { status, code } = await bench.send(
      "OPTIONS /dicom-web/main/studies HTTP/1.1\r\nhost: HOST\r\norigin: https://evil.example\r\n" +
        `access-control-request-method: DELETE\r\n${more}connection: close\r\n\r\n`,
    );
    assert.deepEqual([status, code], [403, "AUTH-004"]);
  }
  assert.deepEqual(bench.takeSeen(), []);
  await bench.assertUnharmed();
});
