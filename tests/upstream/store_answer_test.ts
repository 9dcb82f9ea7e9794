import assert from "node:assert/strict";
import { textOf } from "../../src/dicomweb/dicom_json.ts";
import { REPORT_TYPES } from "../../src/dicomweb/stow/stow_report_body.ts";
import type { StowOutcome } from "../../src/dicomweb/stow/stow_outcome.ts";
import { readStowAnswer } from "../../src/dicomweb/stow/stow_response.ts";
import { maxAnswerBytes } from "../../src/upstream/read_stow_report.ts";
import { normaliseStowAnswer, type StoreAnswerRules } from "../../src/upstream/store_answer.ts";
import type { SentInstances } from "../../src/upstream/stow_upload.ts";

const RULES: StoreAnswerRules = {
  asJson: true,
  duplicateReasons: [45070],
  server: "main",
};
const UNKNOWN: SentInstances = { instances: undefined, isWhole: true };
const JSON_TYPE = "application/dicom+json";
const XML_TYPE = "application/dicom+xml";

function item(uid: string, reason?: number) {
  return {
    "00081155": { vr: "UI", Value: [uid] },
    ...(reason !== undefined && { "00081197": { vr: "US", Value: [reason] } }),
  };
}

/** A report in JSON with blanks, which must stay. */
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
  /** UIDs of the instances that were sent; unknown unless given. */
  readonly sent?: readonly (string | undefined)[];
}

/** Changed responses: their new status, stored and failed instances. */
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

function respond({ status, body, type = JSON_TYPE, rules, sent }: Given): Promise<Response> {
  const length = String(new TextEncoder().encode(body).length);
  const headers = { "content-type": type, "content-length": length, "x-store": "yes", etag: '"1"' };
  const instances = sent?.map((uid) => uid === undefined ? {} : { sopInstanceUid: uid });
  return normaliseStowAnswer(
    new Response(body === "" ? null : body, { status, headers }),
    instances === undefined ? UNKNOWN : { instances, isWhole: true },
    { ...RULES, ...rules },
  );
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
    // Orthanc counts an item of any of these sequences as a failure.
    assert.equal("00081198" in dataset, failed.length > 0);
    assert.equal("0008119A" in dataset, false);
  });
}

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
  ["what is in no text", { status: 500, body: "\0\0", type: "application/dicom" }],
  ["all stored, and all that was sent", { status: 200, body: json([item("1")]), sent: ["1"] }],
  ["all stored, with other UIDs than were sent", {
    status: 200,
    body: json([item("1"), item("9")]),
    sent: ["1", "2"],
  }],
  ["all stored, of files that could not be read", {
    status: 200,
    body: json([item("1"), item("2")]),
    sent: [undefined, undefined],
  }],
  ["a success where nothing was sent", { status: 204, body: "", sent: [] }],
  ["some failed, and all that was sent", {
    status: 202,
    body: json([item("1")], [item("2", 43264)]),
    sent: ["1", "2"],
  }],
  ["none stored, and no items", { status: 409, body: "{}", sent: ["1", "2"] }],
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

/** What a client accepts, the store's response, and the media type of the client's. */
const PREFERRED: [accept: string, given: string, type: string][] = [
  [XML_TYPE, json([item("1")]), XML_TYPE],
  ["application/xml", json([item("1")]), XML_TYPE],
  [`${XML_TYPE}, ${JSON_TYPE};q=0.5`, json([item("1")]), XML_TYPE],
  [`${JSON_TYPE};q=0.5, ${XML_TYPE}`, json([item("1")]), XML_TYPE],
  [`${XML_TYPE};q=0.5, */*`, xml("00081199"), JSON_TYPE],
  ['multipart/related; type="application/octet-stream"', xml("00081199"), JSON_TYPE],
  ["text/html", xml("00081199"), JSON_TYPE],
];

for (const [accept, body, type] of PREFERRED) {
  Deno.test(`normaliseStowAnswer converts ${body.slice(0, 5).trim()} to ${type} for ${accept}`, async () => {
    const response = await respond({ status: 200, body, rules: { accept } });
    assert.equal(response.headers.get("content-type"), type);
    const answer = readStowAnswer(await response.text(), type);
    assert(answer.kind === "report");
    assert.equal(REPORT_TYPES[answer.format], type);
    assert.deepEqual(answer.report.stored.map((each) => textOf(each, "00081155")), ["1"]);
  });
}

Deno.test("normaliseStowAnswer counts duplicates as stored in XML too", async () => {
  for (const asJson of [true, false]) {
    const response = await respond({
      status: 409,
      body: xml("00081198", REASON),
      type: XML_TYPE,
      rules: { duplicateReasons: [272], accept: XML_TYPE, asJson },
    });
    assert.equal(response.status, 200);
    const answer = readStowAnswer(await response.text(), XML_TYPE);
    assert(answer.kind === "report" && answer.format === "xml");
    assert.deepEqual([answer.report.stored.length, answer.report.failed.length], [1, 0]);
  }
});

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
  const response = new Response(null, { status: 503 });
  assert.equal(await normaliseStowAnswer(response, UNKNOWN, RULES), response);
});

Deno.test("normaliseStowAnswer does not read failures if no rule is on", async () => {
  const response = new Response("{}", { status: 409, headers: { "content-type": JSON_TYPE } });
  const rules = { ...RULES, asJson: false, duplicateReasons: [] };
  assert.equal(await normaliseStowAnswer(response, UNKNOWN, rules), response);
  assert.equal(response.bodyUsed, false);
  await response.body?.cancel();
});

const DISBELIEVED: [what: string, given: Given, code: string, message: RegExp][] = [
  [
    "a login page",
    {
      status: 200,
      body: "<!doctype html><html><br>Log in</html>",
      type: "text/html",
    },
    "NET-009",
    /200 with text\/html/,
  ],
  [
    "a login page that is told to be JSON",
    { status: 200, body: "<html><br></html>" },
    "NET-009",
    /200/,
  ],
  ["garbage", { status: 200, body: "\0\0", type: "application/dicom" }, "NET-009", /200/],
  ["text", { status: 201, body: "OK", type: "text/plain" }, "NET-009", /201 with text\/plain/],
  ["JSON of something else", { status: 200, body: '{"stored":true}' }, "NET-009", /200/],
  ["a JSON string", { status: 200, body: '"stored"' }, "NET-009", /200/],
  ["null", { status: 200, body: "null" }, "NET-009", /200/],
  ["XML of something else", { status: 200, body: "<ok/>", type: XML_TYPE }, "NET-009", /200/],
  ["nothing", { status: 200, body: "" }, "NET-009", /200 without a report/],
  ["nothing, with 202", { status: 202, body: "" }, "NET-009", /202 without a report/],
  ["nothing, with 204", { status: 204, body: "" }, "NET-009", /204 without a report/],
  ["blanks", { status: 200, body: " \r\n" }, "NET-009", /without a report/],
  ["an empty dataset", { status: 200, body: "{}" }, "NET-009", /named no instance/],
  ["an empty list", { status: 200, body: "[]" }, "NET-009", /named no instance/],
  [
    "empty sequences",
    {
      status: 200,
      body: '{"00081190":{"vr":"UR"},"00081199":{"vr":"SQ","Value":[]}}',
    },
    "NET-009",
    /named no instance/,
  ],
  ["JSON that ends in the middle", { status: 200, body: '{"00081199"' }, "NET-002", /middle/],
  [
    "XML that ends in the middle",
    {
      status: 200,
      body: xml("00081199").slice(0, -30),
      type: XML_TYPE,
    },
    "NET-002",
    /middle/,
  ],
  [
    "a failure that ends in the middle",
    {
      status: 409,
      body: json([], [item("1", 45070)]).slice(0, -5),
    },
    "NET-002",
    /middle/,
  ],
];

for (const [what, given, code, message] of DISBELIEVED) {
  Deno.test(`normaliseStowAnswer does not believe ${what}: ${code}`, async () => {
    for (const sent of [undefined, ["1"], [undefined]]) {
      for (const asJson of [true, false]) {
        const rules = { asJson, duplicateReasons: [45070] };
        await assert.rejects(respond({ ...given, ...(sent && { sent }), rules }), {
          code,
          message,
          status: 502,
        });
      }
    }
  });
}

/** Incomplete reports: status, stored and failed instances for the client. */
const INCOMPLETE: [
  what: string,
  given: Given,
  status: number,
  stored: string[],
  failed: string[],
][] = [
  ["names one of three", { status: 200, body: json([item("1")]), sent: ["1", "2", "3"] }, 202, [
    "1",
  ], ["2", "3"]],
  [
    "names one instance twice",
    {
      status: 200,
      body: json([item("1"), item("1")]),
      sent: ["1", "2"],
    },
    202,
    ["1", "1"],
    ["2"],
  ],
  [
    "names one in XML",
    {
      status: 200,
      body: xml("00081199"),
      type: XML_TYPE,
      sent: ["1", "2"],
    },
    202,
    ["1"],
    ["2"],
  ],
  [
    "names one, with 202",
    {
      status: 202,
      body: json([item("1")], [item("2", 272)]),
      sent: ["1", "2", "3"],
    },
    202,
    ["1"],
    ["2", "3"],
  ],
  [
    "names one, where the rule of JSON is off",
    {
      status: 200,
      body: json([item("1")]),
      sent: ["1", "2"],
      rules: { asJson: false, duplicateReasons: [] },
    },
    202,
    ["1"],
    ["2"],
  ],
  [
    "names the duplicates and not the rest",
    {
      status: 409,
      body: json([], [item("1", 45070)]),
      sent: ["1", "2"],
    },
    202,
    ["1"],
    ["2"],
  ],
  [
    "names the failure only",
    { status: 200, body: json([], [item("1", 272)]), sent: ["1", "2"] },
    409,
    [],
    [
      "1",
      "2",
    ],
  ],
  [
    "names none of those that were sent but one stranger",
    {
      status: 200,
      body: json([item("9")]),
      sent: ["1", "2"],
    },
    202,
    ["9"],
    [],
  ],
];

for (const [what, given, status, stored, failed] of INCOMPLETE) {
  Deno.test(`normaliseStowAnswer completes a report that ${what}: ${status}`, async () => {
    const outcomes: StowOutcome[] = [];
    const onOutcome = (outcome: StowOutcome) => outcomes.push(outcome);
    const response = await respond({ ...given, rules: { ...given.rules, onOutcome } });
    assert.equal(response.status, status);
    assert.equal(response.headers.get("content-type"), JSON_TYPE);
    const dataset = await response.json();
    assert.deepEqual(uids(dataset, "00081199"), stored);
    assert.deepEqual(uids(dataset, "00081198"), failed);
    const others = dataset["0008119A"]?.Value.length ?? 0;
    assert.ok(others + stored.length + failed.length >= given.sent!.length);
    const [outcome] = outcomes;
    assert.equal(outcome?.stored, stored.length);
    assert.equal(outcome?.failed, failed.length + others);
    assert.ok(outcome.missing > 0);
  });
}

Deno.test("normaliseStowAnswer reports how many instances the store rejected, and its reasons", async () => {
  const outcomes: StowOutcome[] = [];
  const onOutcome = (outcome: StowOutcome) => outcomes.push(outcome);
  const failed = [item("2", 0xA700), item("3", 272), item("4", 272), item("5", 1e9), item("6", -1)];
  const response = await respond({
    status: 202,
    body: json([item("1")], failed),
    sent: ["1", "2", "3", "4", "5", "6"],
    rules: { onOutcome },
  });
  await response.body?.cancel();
  const counts = { sent: 6, stored: 1, failed: 5, missing: 0 };
  assert.deepEqual(outcomes, [{ ...counts, reasons: [0xA700, 0x0110] }]);
});

Deno.test("normaliseStowAnswer does not believe a success before everything was sent", async () => {
  const response = () => new Response(json([item("1"), item("2")]), { status: 200 });
  for (const instances of [undefined, [], [{ sopInstanceUid: "1" }, { sopInstanceUid: "2" }]]) {
    await assert.rejects(normaliseStowAnswer(response(), { instances, isWhole: false }, RULES), {
      code: "NET-009",
      message: /before the upload was complete/,
    });
  }
  const refusal = new Response(json([], [item("1", 272)]), { status: 409 });
  const sent = { instances: undefined, isWhole: false };
  assert.equal((await normaliseStowAnswer(refusal, sent, RULES)).status, 409);
});

Deno.test("normaliseStowAnswer reads what a store says of 30,000 instances", async () => {
  const all = Array.from({ length: 30_000 }, (_, at) => `1.2.3.${at}`);
  const url = `https://store.example/${"x".repeat(480)}`;
  const items = all.map((uid) => ({ ...item(uid), "00081190": { vr: "UR", Value: [url] } }));
  const body = JSON.stringify({ "00081199": { vr: "SQ", Value: items } });
  assert.ok(body.length > 16 * 1024 * 1024);
  const response = await respond({ status: 200, body, sent: all });
  assert.deepEqual([response.status, await response.text()], [200, body]);
  const short = JSON.stringify({ "00081199": { vr: "SQ", Value: items.slice(1) } });
  const told = await respond({ status: 200, body: short, sent: all });
  assert.deepEqual([told.status, uids(await told.json(), "00081198")], [202, ["1.2.3.0"]]);
});

function endless(status: number): { response: Response; given: () => number } {
  const chunk = new Uint8Array(1024 * 1024).map((_, at) => at);
  let given = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (given++ === 40) controller.close();
      else controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
  const headers = { "content-type": JSON_TYPE };
  return { response: new Response(body, { status, headers }), given: () => given };
}

Deno.test("normaliseStowAnswer passes a failure that is too long to keep", async () => {
  const { response, given } = endless(500);
  const answer = await normaliseStowAnswer(response, UNKNOWN, RULES);
  assert.ok(given() < 40, "the rest is not held");
  assert.equal((await answer.bytes()).length, 40 * 1024 * 1024);
});

Deno.test("normaliseStowAnswer keeps no more of a success than the sent instances account for", async () => {
  for (const instances of [undefined, new Array(100).fill({})]) {
    const { response, given } = endless(200);
    await assert.rejects(normaliseStowAnswer(response, { instances, isWhole: true }, RULES), {
      code: "NET-009",
      message: new RegExp(`more than ${maxAnswerBytes(instances?.length)} bytes`),
    });
    assert.ok(given() <= maxAnswerBytes(instances?.length) / 1024 / 1024 + 2);
  }
});

Deno.test("normaliseStowAnswer fails with NET-002 for an answer that breaks off", async () => {
  for (const status of [200, 409]) {
    const body = new ReadableStream({
      pull: (controller) => controller.error(new TypeError("broke off")),
    });
    const headers = { "content-type": JSON_TYPE };
    await assert.rejects(
      normaliseStowAnswer(new Response(body, { status, headers }), UNKNOWN, RULES),
      { code: "NET-002" },
    );
    const short = new Response(json([item("1")]), {
      status,
      headers: { ...headers, "content-length": "1000" },
    });
    await assert.rejects(normaliseStowAnswer(short, UNKNOWN, RULES), { code: "NET-002" });
  }
});
