import assert from "node:assert/strict";
import { profiles, withRules } from "../../src/dicomweb/profile/profile.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import { StoreDialect, type StoreQuestion } from "../../src/upstream/store_dialect.ts";

const STORE = "https://store.example/v2";
const GATEWAY = "http://127.0.0.1:8043/dicom-web/main";

function body(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Response(text).body!;
}

function asked(method: string, target: string): StoreQuestion {
  return { method, target, transaction: classify(method, target) };
}

Deno.test("StoreDialect: the store's URLs in an answer become the gateway's, and its length is dropped", async () => {
  const dialect = new StoreDialect(STORE, profiles.generic);
  const target = "/studies?limit=1";
  const headers = new Headers({
    "content-type": "application/dicom+json",
    "content-length": "99",
    "content-location": `${STORE}/studies`,
  });
  for (const length of ["99", "999999", null]) {
    if (length !== null) headers.set("content-length", length);
    const answer = await dialect.toClient(
      asked("GET", target),
      new Response(`[{"00081190":{"vr":"UR","Value":["${STORE}/studies/1.2"]}}]`),
      headers,
      GATEWAY,
    );
    assert.deepEqual(await new Response(answer).json(), [
      { "00081190": { vr: "UR", Value: [`${GATEWAY}/studies/1.2`] } },
    ]);
    assert.equal(headers.get("content-length"), null);
  }
  assert.equal(headers.get("content-location"), `${GATEWAY}/studies`);
});

Deno.test("StoreDialect: each client gets the address that it uses", () => {
  const dialect = new StoreDialect(STORE, profiles.generic);
  for (const gateway of [GATEWAY, "https://gw.example/dicom-web/main", GATEWAY]) {
    const headers = new Headers({ location: `${STORE}/studies/1.2` });
    dialect.toClient(asked("POST", "/studies"), new Response(), headers, gateway);
    assert.equal(headers.get("location"), `${gateway}/studies/1.2`);
  }
});

/** A response, and whether its headers describe the store's own bytes. */
const TOLD: [status: number, type: string, body: string | null, isStores: boolean][] = [
  [200, "application/dicom+json", "[]", false],
  [200, "application/dicom+json", null, false],
  [200, 'multipart/related; type="application/dicom+xml"; boundary=x', null, false],
  [206, "application/dicom+json", "[]", true],
  [304, "application/dicom+json", null, true],
  [200, "application/dicom", "x", true],
  [200, "application/dicom", null, true],
];

for (const [status, type, text, isStores] of TOLD) {
  const what = text === null ? "HEAD" : "GET";
  Deno.test(`StoreDialect: ${what} answered with ${status} ${type} ${isStores ? "keeps" : "loses"} the store's length and strong ETag`, async () => {
    const dialect = new StoreDialect(STORE, profiles.generic);
    const target = "/studies/1.2/metadata";
    const headers = new Headers({
      "content-type": type,
      "content-length": "2",
      etag: '"1"',
      "accept-ranges": "bytes",
    });
    const given = new Response(text, { status });
    await dialect.toClient(asked(what, target), given, headers, GATEWAY);
    await given.body?.cancel().catch(() => {});
    assert.deepEqual(
      ["content-length", "etag", "accept-ranges"].map((name) => headers.get(name)),
      isStores ? ["2", '"1"', "bytes"] : [null, 'W/"1"', null],
    );
  });
}

Deno.test("StoreDialect: bodies without URLs pass as they are", () => {
  const dialect = new StoreDialect(STORE, profiles.generic);
  for (
    const type of [
      "application/dicom",
      'multipart/related; type="application/dicom"; boundary=x',
      "image/jpeg",
    ]
  ) {
    const target = "/studies/1.2";
    const given = new Response("x");
    const headers = new Headers({ "content-type": type });
    assert.equal(
      dialect.toClient(asked("GET", target), given, headers, GATEWAY),
      undefined,
      type,
    );
  }
});

Deno.test("StoreDialect: URLs of the store's WADO-URI service become the gateway's", () => {
  const dialect = new StoreDialect(STORE, profiles.generic, {
    wadoUri: new URL("/archive/wado", STORE).href,
  });
  const translate = dialect.urlTranslation("/studies", GATEWAY)!;
  const query = "?requestType=WADO&studyUID=1.2&seriesUID=3.4&objectUID=5.6";
  assert.equal(translate(`${new URL("/archive/wado", STORE)}${query}`), `${GATEWAY}/wado${query}`);
  assert.equal(translate(`/archive/wado${query}`), `${GATEWAY}/wado${query}`);
  const other = new URL("/archive/wadoes", STORE).href;
  assert.equal(translate(other), other);
  assert.equal(translate(`${STORE}/studies/1.2`), `${GATEWAY}/studies/1.2`);
});

Deno.test("StoreDialect: stored content passes unchanged, a workitem with the store's URLs", async () => {
  const dialect = new StoreDialect(STORE, profiles.generic);
  const dicom = {
    headers: new Headers({ "content-type": "application/dicom+json" }),
    body: body("x"),
  };
  assert.equal(
    dialect.toStore(classify("POST", "/studies"), "/studies", dicom, GATEWAY),
    dicom.body,
  );
  const json = `[{"00081190":{"vr":"UR","Value":["${GATEWAY}/studies/1.2"]}}]`;
  const workitem = {
    headers: new Headers({ "content-type": "application/dicom+json" }),
    body: body(json),
  };
  const sent = dialect.toStore(classify("POST", "/workitems"), "/workitems", workitem, GATEWAY);
  assert.equal(await new Response(sent).text(), json.replace(GATEWAY, STORE));
});

Deno.test("StoreDialect: without rewriting, or without an address, nothing is translated", () => {
  const off = new StoreDialect(STORE, withRules(profiles.generic, { rewriteUrls: false }));
  const on = new StoreDialect(STORE, profiles.generic);
  for (const [dialect, base] of [[off, GATEWAY], [on, undefined]] as const) {
    const given = new Response("[]");
    const headers = new Headers({
      "content-type": "application/dicom+json",
      location: `${STORE}/studies`,
    });
    assert.equal(dialect.toClient(asked("GET", "/studies"), given, headers, base), undefined);
    assert.equal(headers.get("location"), `${STORE}/studies`);
  }
});

Deno.test("StoreDialect: Accept and Content-Type are normalized by the profile", () => {
  const dialect = new StoreDialect(STORE, profiles.azure);
  const headers = new Headers({
    accept: "multipart/related; type=application/dicom",
    "content-type": "multipart/related; type=application/dicom; boundary=x",
  });
  dialect.toStore(
    classify("GET", "/studies/1.2"),
    "/studies/1.2",
    { headers, body: null },
    undefined,
  );
  assert.equal(headers.get("accept"), 'multipart/related; type="application/dicom"');
  assert.equal(
    headers.get("content-type"),
    'multipart/related; type="application/dicom"; boundary=x',
  );
});

Deno.test("StoreDialect: the store gets the gateway's address if the rule is on", () => {
  const dialect = new StoreDialect(STORE, withRules(profiles.azure, { tellPublicUrl: true }));
  const told = (gateway: string) => {
    const headers = new Headers();
    dialect.toStore(classify("GET", "/studies"), "/studies", { headers, body: null }, gateway);
    return [headers.get("x-forwarded-host"), headers.get("x-forwarded-prefix")];
  };
  assert.deepEqual(told("https://gw.example:8443/dicom-web/main"), [
    "gw.example:8443",
    "/dicom-web/main",
  ]);
  // Azure returns URLs with the scheme of the request.
  assert.deepEqual(told("http://gw.example:8043/dicom-web/main"), [null, null]);
});

Deno.test("StoreDialect: a short response that breaks off is a failure, not a shorter response", async () => {
  const dialect = new StoreDialect(STORE, profiles.generic);
  const broken = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("[{"));
      controller.error(new TypeError("connection lost"));
    },
  });
  const headers = new Headers({ "content-type": "application/json", "content-length": "50" });
  await assert.rejects(
    async () =>
      await dialect.toClient(
        asked("GET", "/studies"),
        new Response(broken),
        headers,
        GATEWAY,
      ),
    { code: "NET-002" },
  );
});
