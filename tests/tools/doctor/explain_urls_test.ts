/** What `doctor` says about the URLs in a store's answer. */
import assert from "node:assert/strict";
import { explainUrls } from "../../../src/tools/doctor/explain_urls.ts";
import { parsedServer } from "../../fixtures/parsed_server.ts";

const STORE = "https://store.example/pacs/dicom-web";

type Row = [
  why: string,
  urls: unknown,
  outcome: string,
  message: RegExp,
  advice: readonly string[],
  keys?: Readonly<Record<string, unknown>>,
];

const KEY = "DicomWebOAuth.Servers.main.StoreAliases";
const CHECK = "Check the address that the store is configured with (Orthanc: DicomWeb.Host).";
const ADD = (base: string) => `If this is the same store, add "${base}" to ${KEY}.`;

const ROWS: Row[] = [
  ["below Url", [`${STORE}/studies/1.2`], "ok", /below Url or an alias/, []],
  [
    "with the scheme before TLS",
    ["http://store.example/pacs/dicom-web/studies/1.2"],
    "ok",
    /below Url or an alias/,
    [],
  ],
  ["relative", ["studies/1.2"], "ok", /below Url or an alias/, []],
  ["rooted", ["/pacs/dicom-web/studies/1.2"], "ok", /below Url or an alias/, []],
  [
    "rooted below a stripped prefix",
    ["/dicom-web/studies/1.2"],
    "warn",
    /calls itself https:\/\/store\.example\/dicom-web\. .* recognizes/,
    [`Add "https://store.example/dicom-web" to ${KEY}.`],
  ],
  [
    "of an internal host",
    ["http://orthanc:8042/dicom-web/studies/1.2"],
    "warn",
    /calls itself http:\/\/orthanc:8042\/dicom-web\./,
    [`Add "http://orthanc:8042/dicom-web" to ${KEY}.`],
  ],
  [
    "of an internal host that the rule may not rewrite",
    ["http://orthanc:8042/dicom-web/studies/1.2"],
    "warn",
    /bypass the gateway/,
    [ADD("http://orthanc:8042/dicom-web"), CHECK],
    { Rules: { RewriteInternalUrls: false } },
  ],
  [
    "of an internal host with another base",
    ["http://orthanc:8042/rs/studies/1.2"],
    "warn",
    /start with http:\/\/orthanc:8042\/rs, not with Url/,
    [ADD("http://orthanc:8042/rs"), CHECK],
  ],
  [
    "of a public host",
    ["https://pacs.example/rs/studies/1.2?sig=x"],
    "warn",
    /^The store's URLs start with https:\/\/pacs\.example\/rs, not with Url: clients/,
    [ADD("https://pacs.example/rs"), CHECK],
  ],
  [
    "of an alias",
    ["https://pacs.example/rs/studies/1.2"],
    "ok",
    /below Url or an alias/,
    [],
    { StoreAliases: ["https://pacs.example/rs"] },
  ],
  [
    "one of two",
    [`${STORE}/studies/1.2`, "https://pacs.example/rs/studies/1.2"],
    "warn",
    /bypass/,
    [ADD("https://pacs.example/rs"), CHECK],
  ],
  [
    "of WADO-URI",
    ["https://pacs.example/wado?requestType=WADO&studyUID=1.2"],
    "warn",
    /another form/,
    [CHECK],
  ],
  [
    "with a password, which is not shown",
    ["https://u:password@pacs.example/rs/studies/1.2"],
    "warn",
    /start with https:\/\/pacs\.example\/rs,/,
    [ADD("https://pacs.example/rs"), CHECK],
  ],
  [
    "of no web scheme",
    ["urn:oid:1.2.3", "javascript:1", 5, null],
    "ok",
    /below Url or an alias/,
    [],
  ],
  ["none", [], "skipped", /has no Retrieve URL/, []],
  ["no list", "https://pacs.example", "skipped", /has no Retrieve URL/, []],
  [
    "not rewritten at all",
    ["https://pacs.example/rs/studies/1.2"],
    "skipped",
    /rule RewriteUrls is off/,
    [],
    { Rules: { RewriteUrls: false } },
  ],
];

for (const [why, urls, outcome, message, advice, keys] of ROWS) {
  Deno.test(`explainUrls: URLs ${why}: ${outcome}`, async () => {
    const server = await parsedServer({ Url: STORE, ...keys });
    const text = JSON.stringify([{ "00081190": { vr: "UR", Value: urls } }]);
    const finding = explainUrls("store.example:443", text, server);
    assert.equal(finding.outcome, outcome, finding.message);
    assert.match(finding.message, message);
    assert.deepEqual(finding.advice, advice);
  });
}

for (const text of ["", "[]", "[null]", "[5]", '[{"00081190":null}]', '[{"00081190":{}}]']) {
  Deno.test(`explainUrls: an answer without URLs, ${JSON.stringify(text)}, is not tested`, async () => {
    assert.equal(explainUrls("s:443", text, await parsedServer()).outcome, "skipped");
  });
}
