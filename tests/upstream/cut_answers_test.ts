/**
 * Responses of stores, truncated at every byte, as the runtime presents them: over HTTP/2 the body ends, over
 * HTTP/1.1 it fails. No way through the gateway presents one as complete, or a complete one as truncated.
 */
import assert from "node:assert/strict";
import { profiles, type Rules, withRules } from "../../src/dicomweb/profile/profile.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import type { Store } from "../../src/upstream/store.ts";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { bytes } from "../dicomweb/bytes.ts";
import { withStore } from "./store_harness.ts";

interface Answer {
  readonly type: string;
  readonly body: string;
}

/** A way through the gateway. */
interface Way {
  readonly target: string;
  readonly init?: RequestInit;
  readonly rules?: Partial<Rules>;
  readonly isRewritten?: boolean;
  readonly idleMs?: number;
  /** The responses of the store by target; the last one is truncated. */
  readonly answers: readonly (readonly [target: RegExp, answer: Answer])[];
  /** Whether the content shows its end if no header does; true unless given. */
  readonly showsEnd?: boolean;
}

const STORE = "http://127.0.0.1:1/dicom-web";
const DICOM: Answer = { type: "application/dicom", body: "DICM and more" };
const MULTIPART: Answer = {
  type: 'multipart/related; type="application/dicom"; boundary=b',
  body: "--b\r\nContent-Type: application/dicom\r\n\r\nDICM\r\n--b\r\n\r\nDICM\r\n--b--",
};
const METADATA: Answer = {
  type: "application/dicom+json",
  body: `[{"7FE00010":{"vr":"OW","BulkDataURI":"${STORE}/bulk/1"},"x":"]}"},{}]`,
};
const XML: Answer = {
  type: "application/dicom+xml",
  body: `<?xml version="1.0"?><a><DicomAttribute><BulkData uri="${STORE}/b"/></DicomAttribute></a>`,
};
const XML_PARTS: Answer = {
  type: 'multipart/related; type="application/dicom+xml"; boundary=b',
  body: `--b\r\nContent-Type: application/dicom+xml\r\n\r\n${XML.body}\r\n--b--`,
};
const instance = (uid: string) =>
  `{"0020000E":{"vr":"UI","Value":["1.2"]},"00080018":{"vr":"UI","Value":["${uid}"]}}`;
const LIST: Answer = {
  type: "application/dicom+json",
  body: `[${instance("1")},${instance("2")}]`,
};
const SECOND_LIST: Answer = { ...LIST, body: `[${instance("3")},${instance("4")}]` };
const EMPTY_LIST: Answer = { type: "application/dicom+json", body: "[]" };
const REPORT: Answer = {
  type: "application/dicom+json",
  body: '{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2.3"]}}]}}',
};
const DICOM_PART: Answer = { ...MULTIPART, body: "--b\r\n\r\nDICM\r\n--b--" };
const INSTANCES_OF_STUDY = [
  [/offset=[1-9]|InstanceUID=/, EMPTY_LIST],
  [/\/instances(\?|$)/, LIST],
] as const;
const ONLY_MULTIPART = { headers: { accept: 'multipart/related; type="application/dicom"' } };
const STOW: RequestInit = {
  method: "POST",
  body: bytes(MULTIPART.body),
  headers: { "content-type": MULTIPART.type, "transfer-encoding": "chunked" },
};
const SINGLE = "/studies/1.2/series/1.2/instances/1";

const WAYS: Record<string, Way> = {
  "multipart as it is": { target: "/studies/1.2", answers: [[/./, MULTIPART]] },
  "JSON as it is": { target: "/studies/1.2/metadata", answers: [[/./, METADATA]] },
  "XML as it is": { target: "/studies/1.2/metadata", answers: [[/./, XML]] },
  "DICOM as it is": { target: SINGLE, answers: [[/./, DICOM]], showsEnd: false },
  "JSON, rewritten": {
    target: "/studies/1.2/metadata",
    isRewritten: true,
    answers: [[/./, METADATA]],
  },
  "XML, rewritten": { target: "/studies/1.2/metadata", isRewritten: true, answers: [[/./, XML]] },
  "multipart, rewritten": {
    target: "/studies/1.2/metadata",
    isRewritten: true,
    answers: [[/./, XML_PARTS]],
  },
  "a single part, wrapped": {
    target: SINGLE,
    init: ONLY_MULTIPART,
    answers: [[/./, DICOM]],
    showsEnd: false,
  },
  "multipart, watched": { target: "/studies/1.2", idleMs: 5_000, answers: [[/./, MULTIPART]] },
  "JSON, watched": { target: "/studies", idleMs: 5_000, answers: [[/./, METADATA]] },
  "DICOM, watched": {
    target: SINGLE,
    idleMs: 5_000,
    answers: [[/./, DICOM]],
    showsEnd: false,
  },
  "JSON, watched and rewritten": {
    target: "/studies/1.2/metadata",
    idleMs: 5_000,
    isRewritten: true,
    answers: [[/./, METADATA]],
  },
  "the first page of a search": {
    target: "/studies?limit=100",
    rules: { searchPageSize: 2 },
    answers: [[/offset=[1-9]/, EMPTY_LIST], [/./, LIST]],
  },
  "a later page of a search": {
    target: "/studies?limit=100",
    rules: { searchPageSize: 2 },
    answers: [[/offset=0/, LIST], [/offset=([4-9]|\d\d)/, EMPTY_LIST], [/./, SECOND_LIST]],
  },
  "the search before a retrieval by instance": {
    target: "/studies/1.2",
    init: ONLY_MULTIPART,
    rules: { retrieveByInstance: true },
    answers: [
      [/instances\/\d/, DICOM_PART],
      [/offset=[1-9]|InstanceUID=/, EMPTY_LIST],
      [/\/instances(\?|$)/, LIST],
    ],
  },
  "an instance of a retrieval by instance": {
    target: "/studies/1.2",
    init: ONLY_MULTIPART,
    rules: { retrieveByInstance: true },
    answers: [...INSTANCES_OF_STUDY, [/instances\/1/, DICOM_PART], [/instances\/2/, DICOM_PART]],
  },
  "a bare instance of a retrieval by instance": {
    target: "/studies/1.2",
    init: ONLY_MULTIPART,
    rules: { retrieveByInstance: true },
    answers: [...INSTANCES_OF_STUDY, [/instances\/1/, DICOM_PART], [/instances\/2/, DICOM]],
    showsEnd: false,
  },
  "the report of a STOW": { target: "/studies", init: STOW, answers: [[/./, REPORT]] },
  "the reports of a STOW that is split": {
    target: "/studies",
    init: STOW,
    rules: { storeMaxInstances: 1 },
    answers: [[/./, REPORT]],
  },
};

/** How the store frames its response, and whether the runtime fails when it is truncated. */
const FRAMINGS = {
  "HTTP/2 with a length": { http2: true, hasLength: true, fails: false },
  "HTTP/2 without a length": { http2: true, hasLength: false, fails: false },
  "HTTP/1.1 to the end of the connection": { http2: false, hasLength: false, fails: false },
  "HTTP/1.1 with a length": { http2: false, hasLength: true, fails: true },
  "HTTP/1.1 in chunks": { http2: false, hasLength: false, fails: true },
};

type Framing = (typeof FRAMINGS)[keyof typeof FRAMINGS];

Deno.test("no truncated response of a store is presented as complete", async (t) => {
  let tried = 0;
  for (const [name, way] of Object.entries(WAYS)) {
    for (const [how, framing] of Object.entries(FRAMINGS)) {
      // If neither framing nor content shows the end, HTTP/2 is rejected; over HTTP/1.1, the body ends
      // with its connection (RFC 9112, section 6.3).
      const isKnown = framing.hasLength || framing.fails || way.showsEnd !== false;
      if (!isKnown && !framing.http2) continue;
      await t.step(`${name}, ${how}`, async () => {
        const length = way.answers.at(-1)![1].body.length;
        const presented: number[] = [];
        for (let cut = 0; cut < length; cut++, tried++) {
          if (await isPresentedAsWhole(way, framing, cut)) presented.push(cut);
        }
        assert.deepEqual(presented, [], `of ${length} bytes`);
        assert.equal(await isPresentedAsWhole(way, framing, length), isKnown, "the whole");
      });
    }
  }
  await t.step(`tried: ${tried}`, () => assert.ok(tried > 4_000));
});

async function isPresentedAsWhole(way: Way, framing: Framing, cut: number): Promise<boolean> {
  const { target, init = {}, rules = {}, answers, idleMs } = way;
  let isWhole = false;
  const use = async (store: Store) => {
    const done = Promise.withResolvers<void>();
    try {
      const response = await store.forward({
        transaction: classify(init.method ?? "GET", target),
        request: new Request(`http://gateway${target}`, init),
        target,
        requestId: "request-1",
        publicUrl: way.isRewritten ? "http://gateway" : undefined,
        completed: done.promise,
      }).catch((error) => {
        // Its code tells operators whose fault it was.
        assert.ok(error instanceof GatewayError, String(error));
        throw error;
      });
      const received = (await response.bytes()).length;
      const told = response.headers.get("content-length");
      isWhole = response.status < 300 && (told === null || Number(told) === received);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    }
    done.resolve();
  };
  await withStore(() => new Response(), use, {
    config: {
      http2: framing.http2,
      profile: withRules(profiles.generic, rules),
    },
    ...(idleMs && { timeouts: { idleMs } }),
    send: async (url, { body } = {}) => {
      // The store responds after the request.
      if (body instanceof ReadableStream) await new Response(body).bytes();
      const index = answers.findIndex(([pattern]) => pattern.test(url));
      const isLast = index === answers.length - 1;
      return answerOf(answers[index]![1], framing, isLast ? cut : undefined);
    },
  });
  return isWhole;
}

function answerOf({ type, body }: Answer, framing: Framing, cut: number | undefined): Response {
  const sent = bytes(body).subarray(0, cut);
  const breaksOff = sent.length < body.length && framing.fails;
  let at = 0;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const half = Math.ceil(sent.length / 2);
      if (at < sent.length) controller.enqueue(sent.slice(at, at += half));
      else if (breaksOff) {
        controller.error(new Error("connection closed before the end of the body"));
      } else controller.close();
    },
  }, { highWaterMark: 0 });
  const headers = new Headers({ "content-type": type });
  if (framing.hasLength) headers.set("content-length", String(body.length));
  else if (framing.fails) headers.set("transfer-encoding", "chunked");
  return new Response(stream, { headers });
}
