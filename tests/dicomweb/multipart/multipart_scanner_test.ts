import assert from "node:assert/strict";
import {
  MultipartError,
  MultipartScanner,
} from "../../../src/dicomweb/multipart/multipart_scanner.ts";
import { bytes, text } from "../bytes.ts";

interface Found {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Scans a body that arrives in the given pieces. */
function scan(
  pieces: readonly Uint8Array<ArrayBuffer>[],
  boundary: string,
): Found[] {
  const scanner = new MultipartScanner(boundary);
  const queue = [...pieces];
  const parts: { headers: Record<string, string>; body: string }[] = [];
  let open = false;
  for (;;) {
    const event = scanner.next();
    if (event.kind === "need") {
      const piece = queue.shift();
      if (piece === undefined) scanner.finish();
      else scanner.push(piece);
    } else if (event.kind === "headers") {
      assert.equal(open, false);
      open = true;
      parts.push({ headers: Object.fromEntries(event.headers), body: "" });
    } else if (event.kind === "data") {
      assert.equal(open, true);
      assert.ok(event.bytes.length > 0);
      parts.at(-1)!.body += text(event.bytes);
    } else if (event.kind === "part end") {
      assert.equal(open, true);
      open = false;
    } else {
      assert.equal(open, false);
      return parts;
    }
  }
}

function cut(whole: Uint8Array<ArrayBuffer>, at: readonly number[]): Uint8Array<ArrayBuffer>[] {
  const edges = [0, ...at, whole.length];
  return edges.slice(1).map((edge, i) => whole.slice(edges[i], edge));
}

const none = {};
const bodies: [why: string, body: string, boundary: string, parts: Found[]][] = [
  ["one part", "--b\r\n\r\nhello\r\n--b--", "b", [{ headers: none, body: "hello" }]],
  ["no part", "--b--\r\n", "b", []],
  ["no part after a preamble", "hi\r\n--b--", "b", []],
  [
    "headers, preamble, epilogue",
    "pre\r\namble\r\n--b\r\nContent-Type: text/plain\r\nX-A:  1 \r\n\r\nhello\r\n--b--\r\nepi\r\n--b\r\nlogue",
    "b",
    [{ headers: { "content-type": "text/plain", "x-a": "1" }, body: "hello" }],
  ],
  ["two parts, the first of size zero", "--b\r\na: 1\r\n\r\n\r\n--b\r\n\r\nx\r\n--b--", "b", [
    { headers: { a: "1" }, body: "" },
    { headers: none, body: "x" },
  ]],
  [
    "size zero without a body's line end (RFC 2046: body-part is headers [CRLF octets])",
    "--b\r\na: 1\r\n\r\n--b\r\n\r\n--b--",
    "b",
    [{ headers: { a: "1" }, body: "" }, { headers: none, body: "" }],
  ],
  ["the content's own line ends", "--b\r\n\r\n\r\n\r\nx\r\n\r\n\r\n--b--", "b", [
    { headers: none, body: "\r\n\r\nx\r\n\r\n" },
  ]],
  [
    "what resembles the boundary",
    "--b\r\n\r\n--\r\n--a\r\n-b\r\n--bb\r\n--b-\r\n--b -\r\n--b \r\r\n\n--b\r\n--b\r--b--\r\r\n--b--",
    "b",
    [{
      headers: none,
      body: "--\r\n--a\r\n-b\r\n--bb\r\n--b-\r\n--b -\r\n--b \r\r\n\n--b\r\n--b\r--b--\r",
    }],
  ],
  ["a boundary that begins with dashes", "----x\r\n\r\n--x\r\n---x\r\n----x--", "--x", [
    { headers: none, body: "--x\r\n---x" },
  ]],
  [
    "a nested multipart whose boundary begins with the outer's",
    "--b\r\n\r\n--b2\r\n\r\nin\r\n--b2--\r\n\r\n--b--",
    "b",
    [{ headers: none, body: "--b2\r\n\r\nin\r\n--b2--\r\n" }],
  ],
  ["white space after the boundary", "--b \t\r\n\r\nx\r\n--b  \r\n\r\ny\r\n--b--  ", "b", [
    { headers: none, body: "x" },
    { headers: none, body: "y" },
  ]],
  [
    "LF alone in headers and after the boundary",
    "--b\na: 1\nb: 2\n\nx\ny\r\n--b\n\nz\r\n--b--\n",
    "b",
    [
      { headers: { a: "1", b: "2" }, body: "x\ny" },
      { headers: none, body: "z" },
    ],
  ],
  ["folded headers", "--b\r\na: 1;\r\n  c=2\r\n\td\r\n\r\n\r\n--b--", "b", [
    { headers: { a: "1; c=2 d" }, body: "" },
  ]],
  [
    "a boundary of 70 characters",
    `--${"x".repeat(70)}\r\n\r\n${"x".repeat(80)}\r\n--${"x".repeat(70)}--`,
    "x".repeat(70),
    [
      { headers: none, body: "x".repeat(80) },
    ],
  ],
];

for (const [why, body, boundary, parts] of bodies) {
  Deno.test(`MultipartScanner reads ${why}`, () => {
    assert.deepEqual(scan([bytes(body)], boundary), parts);
  });
  Deno.test(`MultipartScanner reads ${why}, cut at any one or two positions or everywhere`, () => {
    const whole = bytes(body);
    for (let i = 0; i <= whole.length; i++) {
      for (let j = i; j <= whole.length; j++) {
        assert.deepEqual(scan(cut(whole, [i, j]), boundary), parts, `cut at ${i} and ${j}`);
      }
    }
    assert.deepEqual(scan([...whole].map((byte) => Uint8Array.of(byte)), boundary), parts);
  });
}

Deno.test("MultipartScanner finds the same parts however random bodies are cut", () => {
  let seed = 20260102;
  // A linear congruential generator (Numerical Recipes): the same bodies every time.
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 2 ** 32 * below);
  };
  const morsels = [
    "\r",
    "\n",
    "\r\n",
    "-",
    "--",
    "b",
    "b0",
    "--b0",
    "\r\n--b",
    "\r\n--b0x",
    "\0",
    "\xff",
    " ",
  ];
  for (let round = 0; round < 3000; round++) {
    const parts: Found[] = [];
    let body = "";
    for (let n = random(4); n >= 0; n--) {
      let content = "";
      for (let m = random(12); m > 0; m--) content += morsels[random(morsels.length)];
      // What is a delimiter by the rules cannot be content: those bodies are another table's.
      if (/(^|\r\n)--b0(--|[ \t]*\r?\n|[ \t]*\r?$)/.test(content)) continue;
      if (/(^|\r\n)--b0-?$/.test(content)) continue;
      parts.push({ headers: { n: `${n}` }, body: content });
      body += `\r\n--b0\r\nN: ${n}\r\n\r\n${content}`;
    }
    const whole = bytes(`${body}\r\n--b0--`);
    const at = Array.from({ length: random(9) }, () => random(whole.length + 1)).sort((a, b) =>
      a - b
    );
    assert.deepEqual(scan(cut(whole, at), "b0"), parts, JSON.stringify({ body, at }));
  }
});

const broken: [why: string, body: string][] = [
  ["nothing at all", ""],
  ["no boundary", "hello"],
  ["only the start of a boundary", "\r\n--"],
  ["the boundary without a line end", "--b"],
  ["a part without an end", "--b\r\n\r\nhello"],
  ["a part that ends before the closing dashes", "--b\r\n\r\nhello\r\n--b"],
  ["a part that ends within the closing dashes", "--b\r\n\r\nhello\r\n--b-"],
  ["headers without an end", "--b\r\na: 1\r\n"],
  ["another part announced but missing", "--b\r\n\r\nhello\r\n--b\r\n"],
  ["a header without a colon", "--b\r\nhello\r\n\r\n\r\n--b--"],
  ["a header without a name", "--b\r\n: 1\r\n\r\n\r\n--b--"],
  ["a header with a NUL", "--b\r\na: \0\r\n\r\n\r\n--b--"],
  ["a delimiter among the headers", "--b\r\na: 1\r\n--b--"],
];

for (const [why, body] of broken) {
  Deno.test(`MultipartScanner rejects ${why}`, () => {
    const whole = bytes(body);
    assert.throws(() => scan([whole], "b"), MultipartError);
    assert.throws(() => scan([...whole].map((byte) => Uint8Array.of(byte)), "b"), MultipartError);
  });
}

Deno.test("MultipartScanner bounds the headers of a part, ended or not", () => {
  const body = (size: number) => `--b\r\na: ${"x".repeat(size)}\r\n\r\n\r\n--b--`;
  assert.equal(scan([bytes(body(16_000))], "b").length, 1);
  assert.throws(() => scan([bytes(body(17_000))], "b"), /headers exceed 16384 bytes/);
  const endless = new MultipartScanner("b");
  endless.push(bytes("--b\r\na: 1\r\n"));
  assert.throws(() => {
    for (let i = 0; i < 3_000; i++) {
      endless.push(bytes("b: 1\r\n"));
      endless.next();
    }
  }, /headers exceed 16384 bytes/);
});

Deno.test("MultipartScanner passes content without copying it or waiting for more", () => {
  const scanner = new MultipartScanner("b");
  scanner.push(bytes("--b\r\n\r\n"));
  assert.equal(scanner.next().kind, "headers");
  const chunk = bytes("hello\r\n--");
  scanner.push(chunk);
  const event = scanner.next();
  assert.ok(event.kind === "data");
  assert.equal(text(event.bytes), "hello");
  assert.equal(event.bytes.buffer, chunk.buffer);
  assert.equal(scanner.next().kind, "need");
});

Deno.test("MultipartScanner does not wait for the end of endless white space after a boundary", () => {
  const scanner = new MultipartScanner("b");
  scanner.push(bytes(`--b\r\n\r\nx\r\n--b${" ".repeat(129)}`));
  assert.equal(scanner.next().kind, "headers");
  const event = scanner.next();
  assert.ok(event.kind === "data");
  assert.equal(text(event.bytes), `x\r\n--b${" ".repeat(129)}`);
});

for (const boundary of ["", "a\r\nb", "ü€", "x".repeat(201)]) {
  Deno.test(`MultipartScanner rejects the boundary ${JSON.stringify(boundary.slice(0, 9))}`, () => {
    assert.throws(() => new MultipartScanner(boundary), MultipartError);
  });
}
