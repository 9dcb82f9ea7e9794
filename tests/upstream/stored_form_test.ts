import { someMemory } from "../fixtures/holding_room.ts";
import assert from "node:assert/strict";
import { normaliseAccept } from "../../src/dicomweb/media_type/accept.ts";
import {
  type ProfileName,
  profiles,
  type Rules,
  withRules,
} from "../../src/dicomweb/profile/profile.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import { dispatch } from "../../src/upstream/dispatch.ts";
import { Pace } from "../../src/upstream/pace.ts";
import type { StoreRequest } from "../../src/upstream/store_client.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { exchangeWith } from "../fixtures/store_exchange.ts";

const STUDY = "/studies/1.2";
const INSTANCE = "/studies/1.2/series/1.3/instances/1.4";
const DICOM = 'multipart/related; type="application/dicom"';
const OCTETS = 'multipart/related; type="application/octet-stream"';
const SINGLE = "application/dicom";
const STORED = "; transfer-syntax=*";
const EXPLICIT = "; transfer-syntax=1.2.840.10008.1.2.1";

interface Asked {
  readonly response: Response;
  /** `Accept` of each request to the store. */
  readonly accepts: (string | null)[];
  readonly logger: MemoryLogger;
}

/** Sends a client's request to a store. */
async function ask(
  name: ProfileName,
  target: string,
  accept: string | null,
  store: (request: StoreRequest) => Response,
  { method = "GET", rules = {} }: { method?: string; rules?: Partial<Rules> } = {},
): Promise<Asked> {
  const profile = withRules(profiles[name], rules);
  const transaction = classify(method, target);
  const sent = normaliseAccept(transaction, accept, profile);
  const exchange = {
    ...exchangeWith(target, store, { headers: sent === null ? {} : { accept: sent } }),
    method,
  };
  const logger = new MemoryLogger();
  const response = await dispatch(exchange, transaction, {
    rules: profile.rules,
    pace: new Pace(0),
    memory: someMemory(),
    accept,
    server: "main",
    storeUrl: "http://store",
    logger,
  });
  return { response, accepts: exchange.sent.map(({ headers }) => headers.get("accept")), logger };
}

/** A store that cannot transcode. */
function untranscoding(status: number): (request: StoreRequest) => Response {
  return ({ headers }) => {
    const isStored = headers.get("accept")?.includes(STORED);
    return new Response(isStored ? "stored" : "cannot transcode", {
      status: isStored ? 200 : status,
      headers: { "content-type": "text/plain", etag: '"1"' },
    });
  };
}

/** Requests that are repeated, and the second `Accept`. */
const REPEATED: [
  name: ProfileName,
  target: string,
  accept: string,
  status: number,
  second: string,
][] = [
  ["azure", STUDY, DICOM, 406, DICOM + STORED],
  ["azure", STUDY, "*/*", 406, DICOM + STORED],
  ["azure", INSTANCE, SINGLE, 406, SINGLE + STORED],
  ["azure", `${INSTANCE}/frames/1`, "*/*", 406, OCTETS + STORED],
  ["aws", `${INSTANCE}/frames/1`, 'multipart/related; type="*/*"', 406, OCTETS + STORED],
  ["orthanc", `${INSTANCE}/frames/1`, "multipart/related", 500, OCTETS + STORED],
  ["orthanc", `${INSTANCE}/frames/1`, "multipart/*", 500, OCTETS + STORED],
  ["google", STUDY, DICOM, 406, DICOM + STORED],
  ["google", INSTANCE, `text/html, ${SINGLE}`, 406, SINGLE + STORED],
  ["aws", INSTANCE, SINGLE, 406, SINGLE + STORED],
  ["dcm4chee", STUDY, DICOM, 406, DICOM + STORED],
  ["orthanc", STUDY, DICOM, 406, DICOM + STORED],
  ["orthanc", STUDY, DICOM, 500, DICOM + STORED],
  ["orthanc", `${INSTANCE}/frames/1`, "*/*", 500, OCTETS + STORED],
  ["generic", STUDY, `${DICOM};q=0.5`, 406, `${DICOM}${STORED}; q=0.5`],
];

for (const [name, target, accept, status, second] of REPEATED) {
  Deno.test(`${accept} for …${target.slice(-12)} that ${name} rejects with ${status} is requested as stored, with a warning`, async () => {
    const { response, accepts, logger } = await ask(name, target, accept, untranscoding(status));
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "stored");
    assert.match(
      response.headers.get("warning")!,
      /^299 dicomweb-gateway ".*stored transfer syntax"$/,
    );
    assert.equal(response.headers.get("etag"), '"1"');
    assert.deepEqual(accepts.slice(1), [second]);
    assert.deepEqual(logger.lines.map(({ fields }) => [fields.server, fields.status]), [
      ["main", status],
    ]);
  });
}

/** Requests that are sent once. */
const ONCE: [
  why: string,
  name: ProfileName,
  target: string,
  accept: string | null,
  status: number,
  rules?: Partial<Rules>,
][] = [
  ["the client named a transfer syntax", "azure", STUDY, DICOM + EXPLICIT, 406],
  ["the client asked for the stored one", "azure", STUDY, DICOM + STORED, 406],
  ["the rule requested the stored one", "azure", STUDY, DICOM, 406, { askStored: true }],
  ["pixels do not name their form", "azure", `${INSTANCE}/frames/1`, OCTETS, 406],
  ["pixels do not name their form", "azure", `${INSTANCE}/frames/1`, "application/*", 406],
  ["it is no image", "azure", `${STUDY}/metadata`, "*/*", 406],
  ["it is no image", "azure", `${INSTANCE}/rendered`, "*/*", 406],
  ["it is no image", "azure", "/studies", "*/*", 406],
  ["the client names no type that is known", "azure", STUDY, "text/html", 406],
  ["nothing is known of the store", "generic", STUDY, null, 406],
  ["other failures pass", "azure", STUDY, DICOM, 500],
  ["other failures pass", "orthanc", STUDY, DICOM, 503],
  ["it was found", "azure", STUDY, DICOM, 404],
  ["switched off", "azure", STUDY, DICOM, 406, { askStoredAfter: [] }],
];

for (const [why, name, target, accept, status, rules = {}] of ONCE) {
  Deno.test(`${accept} for …${target.slice(-12)} that ${name} rejects with ${status} is not repeated: ${why}`, async () => {
    const refuse = () => new Response("no", { status });
    const { response, accepts } = await ask(name, target, accept, refuse, { rules });
    assert.equal(response.status, status);
    assert.equal(await response.text(), "no");
    assert.equal(response.headers.get("warning"), null);
    assert.equal(accepts.length, 1);
  });
}

Deno.test("A response that needed no repetition carries no warning", async () => {
  const { response, accepts } = await ask("azure", STUDY, DICOM, () => new Response("transcoded"));
  assert.equal(await response.text(), "transcoded");
  assert.equal(response.headers.get("warning"), null);
  assert.equal(accepts.length, 1);
});

Deno.test("A store that rejects the stored form too is answered for by its first response", async () => {
  for (const status of [403, 404, 500]) {
    const { response, accepts } = await ask(
      "azure",
      STUDY,
      DICOM,
      ({ headers }) =>
        headers.get("accept")!.includes(STORED)
          ? new Response("second", { status })
          : new Response("first", { status: 406 }),
    );
    assert.equal(response.status, 406);
    assert.equal(await response.text(), "first");
    assert.equal(response.headers.get("warning"), null);
    assert.equal(accepts.length, 2);
  }
});

Deno.test("A store that is too busy for the stored form is answered for by that, so that it is asked again", async () => {
  for (const status of [429, 503]) {
    const { response } = await ask("azure", STUDY, DICOM, ({ headers }) => {
      const isStored = headers.get("accept")!.includes(STORED);
      return new Response("later", {
        status: isStored ? status : 406,
        headers: isStored ? { "retry-after": "1" } : {},
      });
    });
    assert.equal(response.status, status);
    assert.equal(response.headers.get("retry-after"), "1");
    assert.equal(response.headers.get("warning"), null);
    await response.body?.cancel();
  }
});

Deno.test("HEAD is repeated too, and a warning of the store is kept", async () => {
  const store = ({ headers }: StoreRequest) =>
    new Response(null, {
      status: headers.get("accept")!.includes(STORED) ? 200 : 406,
      headers: { warning: '199 - "old"' },
    });
  const { response } = await ask("azure", STUDY, DICOM, store, { method: "HEAD" });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("warning")!, /^199 - "old", 299 dicomweb-gateway "/);
});

Deno.test("A single part in the stored form is wrapped, with the warning", async () => {
  const { response } = await ask("aws", INSTANCE, DICOM, ({ headers }) => {
    const isStored = headers.get("accept") === SINGLE + STORED;
    return new Response("bytes", {
      status: isStored ? 200 : 406,
      headers: { "content-type": SINGLE },
    });
  });
  assert.match(response.headers.get("content-type")!, /^multipart\/related/);
  assert.match(response.headers.get("warning")!, /^299 /);
  assert.match(await response.text(), /bytes/);
});

Deno.test("A study that is retrieved by instance has those as stored that cannot be transcoded", async () => {
  const uids = ["1.4.1", "1.4.2"];
  const { response, accepts } = await ask("aws", STUDY, DICOM, ({ target, headers }) => {
    const accept = headers.get("accept")!;
    if (target.includes("?")) {
      const isFirst = /offset=0$/.test(target);
      return Response.json(
        (isFirst ? uids : []).map((uid) => ({
          "00080018": { vr: "UI", Value: [uid] },
          "0020000E": { vr: "UI", Value: ["1.3"] },
        })),
      );
    }
    if (target.endsWith(uids[0]!) && !accept.includes(STORED)) {
      return new Response(null, { status: 406 });
    }
    return new Response(`${target.slice(-5)} ${accept};`, { headers: { "content-type": SINGLE } });
  });
  assert.match(response.headers.get("warning")!, /^299 /);
  const text = await response.text();
  assert.ok(text.includes(`1.4.1 ${SINGLE}${STORED};`) && text.includes(`1.4.2 ${SINGLE};`), text);
  assert.equal(accepts.filter((accept) => accept === SINGLE + STORED).length, 1);
});

Deno.test("A rejected list of instances is not requested as stored", async () => {
  const { response, accepts } = await ask(
    "aws",
    STUDY,
    DICOM,
    () => new Response("no", { status: 406 }),
  );
  assert.equal(response.status, 406);
  await response.body?.cancel();
  assert.equal(accepts.some((accept) => accept?.includes(STORED)), false);
});
