import assert from "node:assert/strict";
import {
  MAX_ANSWER_BYTES,
  normaliseStowAnswer,
  type StoreAnswerRules,
} from "../../src/upstream/store_answer.ts";

const RULES: StoreAnswerRules = { asJson: true, duplicateReasons: [45070] };
const JSON_TYPE = "application/dicom+json";
const XML_TYPE = "application/dicom+xml";

function item(uid: string, reason?: number) {
  return {
    "00081155": { vr: "UI", Value: [uid] },
    ...(reason !== undefined && { "00081197": { vr: "US", Value: [reason] } }),
  };
}

/** An answer in JSON, written with blanks, as stores may. */
function json(stored: unknown[], failed: unknown[] = []): string {
  return JSON.stringify(
    {
      ...(failed.length > 0 && { "00081198": { vr: "SQ", Value: failed } }),
      ...(stored.length > 0 && { "00081199": { vr: "SQ", Value: stored } }),
    },
    undefined,
    1,
  );
}

function xml(tag: string, reason = ""): string {
  return `<NativeDicomModel><DicomAttribute tag="${tag}" vr="SQ"><Item number="1">` +
    `<DicomAttribute tag="00081155" vr="UI"><Value number="1">1</Value></DicomAttribute>${reason}` +
    "</Item></DicomAttribute></NativeDicomModel>";
}

const REASON =
  '<DicomAttribute tag="00081197" vr="US"><Value number="1">272</Value></DicomAttribute>';

interface Given {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  readonly rules?: Partial<StoreAnswerRules>;
}

/** Answers that are changed: status, stored instances and failed ones of the new answer. */
const CHANGED: [what: string, given: Given, status: number, stored: string[], failed: string[]][] =
  [
    ["XML becomes JSON", { status: 200, body: xml("00081199"), type: XML_TYPE }, 200, ["1"], []],
    [
      "Google's 409 in XML",
      { status: 409, body: xml("00081198", REASON), type: XML_TYPE },
      409,
      [],
      ["1"],
    ],
    ["XML that says it is JSON", { status: 200, body: xml("00081199"), type: JSON_TYPE }, 200, [
      "1",
    ], []],
    [
      "XML of an error keeps its status",
      { status: 503, body: xml("00081198", REASON), type: XML_TYPE },
      503,
      [],
      ["1"],
    ],
    [
      "Azure: all there already",
      { status: 409, body: json([], [item("1", 45070), item("2", 45070)]) },
      200,
      ["1", "2"],
      [],
    ],
    [
      "Azure: some there already",
      { status: 202, body: json([item("1")], [item("2", 45070)]) },
      200,
      ["1", "2"],
      [],
    ],
    [
      "Azure: one there already, one invalid",
      { status: 409, body: json([], [item("1", 45070), item("2", 43264)]) },
      202,
      ["1"],
      ["2"],
    ],
    [
      "duplicates without the rule of JSON",
      { status: 409, body: json([], [item("1", 45070)]), rules: { asJson: false } },
      200,
      ["1"],
      [],
    ],
    ["200 with a failure", { status: 200, body: json([item("1")], [item("2", 272)]) }, 202, ["1"], [
      "2",
    ]],
    ["200 with failures only", { status: 200, body: json([], [item("2", 272)]) }, 409, [], ["2"]],
    [
      "409 with stored ones",
      { status: 409, body: json([item("1")], [item("2", 272)]) },
      202,
      ["1"],
      ["2"],
    ],
    [
      "XML with duplicates",
      {
        status: 409,
        body: xml("00081198", REASON),
        type: XML_TYPE,
        rules: { duplicateReasons: [272] },
      },
      200,
      ["1"],
      [],
    ],
  ];

function uids(
  dataset: Record<string, { Value?: { "00081155": { Value: string[] } }[] }>,
  tag: string,
) {
  return (dataset[tag]?.Value ?? []).map((each) => each["00081155"].Value[0]);
}

function respond({ status, body, type = JSON_TYPE, rules }: Given): Promise<Response> {
  const headers = { "content-type": type, "content-length": "1", "x-store": "yes", etag: '"1"' };
  return normaliseStowAnswer(new Response(body, { status, headers }), { ...RULES, ...rules });
}

for (const [what, given, status, stored, failed] of CHANGED) {
  Deno.test(`normaliseStowAnswer: ${what}: ${status}`, async () => {
    const response = await respond(given);
    assert.equal(response.status, status);
    assert.equal(response.headers.get("content-type"), JSON_TYPE);
    assert.equal(response.headers.get("x-store"), "yes");
    assert.equal(response.headers.has("content-length"), false);
    assert.equal(response.headers.has("etag"), false);
    const dataset = await response.json();
    assert.deepEqual(uids(dataset, "00081199"), stored);
    assert.deepEqual(uids(dataset, "00081198"), failed);
    // Orthanc takes any of these sequences with an item for a failure.
    assert.equal("00081198" in dataset, failed.length > 0);
    assert.equal("0008119A" in dataset, false);
  });
}

/** Answers that pass byte for byte. */
const UNTOUCHED: [what: string, given: Given][] = [
  ["all stored", { status: 200, body: json([item("1")]) }],
  ["some failed", { status: 202, body: json([item("1")], [item("2", 43264)]) }],
  ["none stored", { status: 409, body: json([], [item("2", 43264)]) }],
  ["a warning with 200, as Azure answers", {
    status: 200,
    body: json([{ ...item("1"), "00081196": { vr: "US", Value: [1] } }]),
  }],
  ["an error page", { status: 502, body: "<html></html>", type: "text/html" }],
  ["an error of the store", {
    status: 403,
    body: '{"error":{"code":403}}',
    type: "application/json",
  }],
  ["broken JSON", { status: 200, body: '{"00081199"' }],
  ["a status that is another's affair", { status: 503, body: json([], [item("1", 272)]) }],
  ["XML for a client that asked for XML", {
    status: 200,
    body: xml("00081199"),
    type: XML_TYPE,
    rules: { accept: XML_TYPE },
  }],
  ["XML where the rule is off", {
    status: 200,
    body: xml("00081199"),
    type: XML_TYPE,
    rules: { asJson: false },
  }],
  ["duplicates where the list is empty", {
    status: 409,
    body: json([], [item("1", 45070)]),
    rules: { duplicateReasons: [] },
  }],
  ["a status that contradicts, where the rule is off", {
    status: 200,
    body: json([], [item("1", 272)]),
    rules: { asJson: false },
  }],
  ["what is in no text", { status: 200, body: "\0\0", type: "application/dicom" }],
];

for (const [what, given] of UNTOUCHED) {
  Deno.test(`normaliseStowAnswer passes on ${what}`, async () => {
    const response = await respond(given);
    assert.equal(response.status, given.status);
    assert.equal(response.headers.get("content-type"), given.type ?? JSON_TYPE);
    assert.equal(response.headers.get("etag"), '"1"');
    assert.equal(await response.text(), given.body);
  });
}

Deno.test("normaliseStowAnswer prefers JSON for a client that takes both", async () => {
  const accept = `${JSON_TYPE}, ${XML_TYPE};q=0.5`;
  const response = await respond({
    status: 200,
    body: xml("00081199"),
    type: XML_TYPE,
    rules: { accept },
  });
  assert.equal(response.headers.get("content-type"), JSON_TYPE);
  await response.body?.cancel();
});

Deno.test("normaliseStowAnswer passes on an answer without a body", async () => {
  const response = new Response(null, { status: 204 });
  assert.equal(await normaliseStowAnswer(response, RULES), response);
});

Deno.test("normaliseStowAnswer does not read answers where no rule is on", async () => {
  const response = new Response("{}", { headers: { "content-type": JSON_TYPE } });
  const rules = { asJson: false, duplicateReasons: [] };
  assert.equal(await normaliseStowAnswer(response, rules), response);
  assert.equal(response.bodyUsed, false);
  await response.body?.cancel();
});

Deno.test("normaliseStowAnswer loses nothing of an answer that is too long to hold", async () => {
  const chunk = new Uint8Array(1024 * 1024).map((_, at) => at);
  const chunks = MAX_ANSWER_BYTES / chunk.length + 3;
  let given = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (given++ === chunks) controller.close();
      else controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
  const response = await normaliseStowAnswer(
    new Response(body, { headers: { "content-type": JSON_TYPE } }),
    RULES,
  );
  assert.ok(given < chunks, "the rest is not held");
  let length = 0;
  for await (const piece of response.body!) {
    assert.deepEqual(piece, chunk);
    length += piece.length;
  }
  assert.equal(length, chunks * chunk.length);
});

Deno.test("normaliseStowAnswer fails with an answer that breaks off", async () => {
  const body = new ReadableStream({
    pull(controller) {
      controller.error(new TypeError("broke off"));
    },
  });
  const response = new Response(body, { headers: { "content-type": JSON_TYPE } });
  await assert.rejects(normaliseStowAnswer(response, RULES), { code: "NET-002" });
});
