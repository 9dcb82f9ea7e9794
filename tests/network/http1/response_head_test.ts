import assert from "node:assert/strict";
import {
  type BodyFraming,
  MalformedResponseError,
  parseResponseHead,
} from "../../../src/network/http1/response_head.ts";
import { encodeLatin1 } from "../../../src/dicomweb/latin1.ts";

function parse(text: string, method = "GET") {
  return parseResponseHead(encodeLatin1(text), method);
}

const length = (bytes: number): BodyFraming => ({ kind: "length", bytes });

/** RFC 9112, section 6.3. */
const FRAMED: [
  name: string,
  head: string,
  framing: BodyFraming,
  keepsAlive: boolean,
  method?: string,
][] = [
  ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", length(5), true],
  ["no reason", "HTTP/1.1 200 \r\nContent-Length: 5\r\n", length(5), true],
  ["not even its space", "HTTP/1.1 200\r\nContent-Length: 5\r\n", length(5), true],
  ["a length of zero", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", length(0), true],
  [
    "equal lengths",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
    length(5),
    true,
  ],
  ["a list of equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n", length(5), true],
  ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n", { kind: "chunked" }, true],
  [
    "chunks and a length",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    { kind: "chunked" },
    false,
  ],
  [
    "chunks as the last coding",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity, chunked\r\n",
    { kind: "chunked" },
    true,
  ],
  [
    "another coding",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n",
    { kind: "until-close" },
    false,
  ],
  [
    "another coding and a length",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 4\r\n",
    { kind: "until-close", bytes: 4 },
    false,
  ],
  ["nothing", "HTTP/1.1 200 OK\r\n", { kind: "until-close" }, false],
  ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", { kind: "none" }, true, "HEAD"],
  ["204", "HTTP/1.1 204 No Content\r\n", { kind: "none" }, true],
  [
    "304 with a length",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n",
    { kind: "none" },
    true,
  ],
  ["close", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 5\r\n", length(5), false],
  ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n", length(5), false],
  [
    "HTTP/1.0 that keeps alive",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n",
    length(5),
    true,
  ],
  ["line feeds alone", "HTTP/1.1 200 OK\nContent-Length: 5\n", length(5), true],
];

for (const [name, head, framing, keepsAlive, method] of FRAMED) {
  Deno.test(`parseResponseHead: ${name}`, () => {
    const parsed = parse(`${head}\r\n`, method);
    assert.deepEqual([parsed.framing, parsed.keepsAlive], [framing, keepsAlive]);
  });
}

const REFUSED: [name: string, head: string][] = [
  ["no status line", "hello\r\n"],
  ["HTTP/2.0", "HTTP/2.0 200 OK\r\n"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n"],
  ["a status with a sign", "HTTP/1.1 +20 OK\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n"],
  ["a list of two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n"],
  ["a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n"],
  ["a length in hexadecimal", "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n"],
  ["an empty length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n"],
  [
    "a length beyond what counts exactly",
    `HTTP/1.1 200 OK\r\nContent-Length: ${"9".repeat(16)}\r\n`,
  ],
  ["two lengths on a response without body", "HTTP/1.1 204 OK\r\nContent-Length: 5, 6\r\n"],
  ["chunked twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n"],
  ["chunked before another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n"],
  [
    "a coding that the request did not accept",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n",
  ],
  ["such a coding without chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n"],
  ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n"],
  ["a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n"],
  ["a folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n"],
  ["a line without colon", "HTTP/1.1 200 OK\r\nA\r\n"],
  ["a line without name", "HTTP/1.1 200 OK\r\n: b\r\n"],
  ["a NUL in a value", "HTTP/1.1 200 OK\r\nA: b\0c\r\n"],
  ["a carriage return in a value", "HTTP/1.1 200 OK\r\nA: b\rContent-Length: 5\r\n"],
  ["very many fields", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(300)}`],
];

for (const [name, head] of REFUSED) {
  Deno.test(`parseResponseHead refuses ${name}`, () => {
    assert.throws(() => parse(`${head}\r\n`), MalformedResponseError);
  });
}

Deno.test("parseResponseHead: names in lower case, values byte for byte without the space around them", () => {
  const { status, headers } = parse(
    "HTTP/1.1 404 Weg\r\nX-Name: \t M\u00fcller \t\r\nx-name: b\r\n\r\n",
  );
  assert.equal(status, 404);
  assert.deepEqual(headers, [["x-name", "M\u00fcller"], ["x-name", "b"]]);
});

for (
  const lines of ["Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n"]
) {
  for (const method of ["GET", "HEAD"]) {
    Deno.test(`parseResponseHead passes one length for ${JSON.stringify(lines)} of ${method}`, () => {
      const bytes = new TextEncoder().encode(`HTTP/1.1 200 OK\r\n${lines}\r\n`);
      const { headers } = parseResponseHead(bytes, method);
      assert.deepEqual(headers, [["content-length", "5"]]);
    });
  }
}
