/** Bodies that end only if they are complete. */
import assert from "node:assert/strict";
import {
  wholeAnswerBody,
  wholeRequestBody,
} from "../../../src/dicomweb/completeness/whole_body.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";
import { pieces, text } from "../bytes.ts";

const MULTIPART = "multipart/related; boundary=b";
const JSON_TYPE = "application/json";

/** Headers, the bytes sent, the bytes that the reader gets, and how they end. */
const CASES: [
  what: string,
  headers: Record<string, string>,
  body: readonly (string | Error)[],
  passed: string,
  fault: string | undefined,
][] = [
  ["as long as told", { "content-length": "4" }, ["ab", "cd"], "abcd", undefined],
  ["shorter", { "content-length": "5" }, ["ab", "cd"], "abcd", "it ended after 4 of 5 bytes"],
  ["empty", { "content-length": "5" }, [], "", "it ended after 0 of 5 bytes"],
  [
    "longer",
    { "content-length": "3" },
    ["ab", "cd"],
    "ab",
    "it is longer than its Content-Length of 3 bytes",
  ],
  [
    "longer by a piece",
    { "content-length": "2" },
    ["ab", "cd"],
    "ab",
    "it is longer than its Content-Length of 2 bytes",
  ],
  ["of no length that is told", {}, ["ab"], "ab", undefined],
  ["a length that is none", { "content-length": "3, 3" }, ["ab"], "ab", undefined],
  [
    "a length beside chunks",
    { "content-length": "9", "transfer-encoding": "chunked" },
    ["ab"],
    "ab",
    undefined,
  ],
  ["encoded", { "content-type": JSON_TYPE, "content-encoding": "br" }, ["["], "[", undefined],
  ["JSON", { "content-type": JSON_TYPE }, ["[", "]"], "[]", undefined],
  [
    "half of JSON",
    { "content-type": JSON_TYPE },
    ["[", "{}"],
    "[{}",
    "it ended before its last bracket",
  ],
  ["empty, and told so", { "content-type": JSON_TYPE, "content-length": "0" }, [], "", undefined],
  [
    "empty, in chunks",
    { "content-type": JSON_TYPE, "transfer-encoding": "chunked" },
    [],
    "",
    undefined,
  ],
  [
    "multipart in chunks without its end",
    { "content-type": MULTIPART, "transfer-encoding": "chunked" },
    ["--b\r\n\r\nx\r\n", "--b"],
    "--b\r\n\r\nx\r\n--b",
    "it ended before its closing delimiter",
  ],
  [
    "multipart of the length told without its end: its last bytes stay back",
    { "content-type": MULTIPART, "content-length": "13" },
    ["--b\r\n\r\nx\r\n", "--b"],
    "--b\r\n\r\nx\r\n",
    "it ended before its closing delimiter",
  ],
  [
    "half of XML",
    { "content-type": "text/xml" },
    ["<a><b/>"],
    "<a><b/>",
    "it ended before the end of its root element",
  ],
  [
    "a range of JSON",
    { "content-type": JSON_TYPE, "content-range": "bytes 0-1/9", "content-length": "2" },
    ["[{"],
    "[{",
    undefined,
  ],
  ["broken off", { "content-type": JSON_TYPE }, ["[", new TypeError("reset")], "[", "it broke off"],
];

Deno.test("wholeRequestBody and wholeAnswerBody pass the end of complete bodies only", async (t) => {
  for (const [what, headers, body, passed, fault] of CASES) {
    await t.step(what, async () => {
      for (
        const [check, code, start] of [
          [wholeRequestBody, "NET-005", "Cannot read the body of the request: "],
          [wholeAnswerBody, "NET-002", "Cannot read the store's answer: "],
        ] as const
      ) {
        const source = pieces(...body);
        const [got, error] = await drain(check(source.stream, new Headers(headers)));
        assert.equal(got, passed);
        if (fault === undefined) assert.equal(error, undefined);
        else {
          assert.ok(error instanceof GatewayError);
          assert.deepEqual([error.code, error.message], [code, start + fault]);
        }
      }
    });
  }
});

Deno.test("wholeAnswerBody keeps the error of a timeout or abort", async () => {
  const reason = new GatewayError("NET-001", "Timeout while waiting");
  const headers = new Headers({ "content-length": "4" });
  const [, error] = await drain(wholeAnswerBody(pieces("a", reason).stream, headers));
  assert.equal(error, reason);
});

Deno.test("wholeAnswerBody reads nothing ahead, and cancels its source", async () => {
  const source = pieces("a", "b", "c", "d");
  const body = wholeAnswerBody(source.stream, new Headers({ "content-length": "4" }));
  assert.equal(source.given(), 0);
  const reader = body.getReader();
  await reader.read();
  assert.equal(source.given(), 1);
  await reader.cancel("gone");
  assert.equal(source.cancelled(), "gone");

  const longer = pieces("ab", "c");
  await drain(wholeAnswerBody(longer.stream, new Headers({ "content-length": "1" })));
  assert.ok(longer.cancelled() instanceof GatewayError);
});

Deno.test("an empty response without length is no JSON; an empty request has no body", async () => {
  const headers = new Headers({ "content-type": JSON_TYPE });
  const [, error] = await drain(wholeAnswerBody(pieces().stream, headers));
  assert.match(String(error), /it ended before its last bracket/);
  assert.deepEqual(await drain(wholeRequestBody(pieces().stream, headers)), ["", undefined]);
});

Deno.test("wholeAnswerBody checks a body once", () => {
  const body = wholeAnswerBody(pieces("a").stream, new Headers());
  assert.equal(wholeAnswerBody(body, new Headers({ "content-length": "9" })), body);
});

async function drain(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<[string, unknown]> {
  let got = "";
  try {
    for await (const chunk of body) got += text(chunk);
  } catch (error) {
    return [got, error];
  }
  return [got, undefined];
}

for (const sent of ["", "ab"]) {
  Deno.test(`A body that is cancelled after "${sent}", while it is read, has not ended`, async () => {
    let hasEnded = false;
    const never = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        if (sent !== "") controller.enqueue(new TextEncoder().encode(sent));
      },
    }, { highWaterMark: 0 });
    // As of a server with IdleSeconds: cancelling one body ends the pending read of the other.
    const inner = wholeRequestBody(never, new Headers());
    const outer = wholeRequestBody(inner, new Headers(), {
      onEnd: () => {
        hasEnded = true;
      },
    });
    const reader = outer.getReader();
    if (sent !== "") await reader.read();
    const pending = reader.read();
    await Promise.resolve();
    await reader.cancel();
    assert.equal((await pending).done, true);
    await new Promise((resolve) => setTimeout(resolve));
    assert.equal(hasEnded, false);
  });
}
