import assert from "node:assert/strict";
import { rewriteHeaders } from "../../../src/dicomweb/urls/url_headers.ts";
import { createUrlMap } from "../../../src/dicomweb/urls/url_map.ts";

const STORE = "https://store.example/v2";
const GATEWAY = "https://gateway.example/dicom-web/main";
const map = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY });
const RESOURCE = "/workitems/1.2";

/** Headers, and what they become; unchanged by default. */
const answers: [why: string, name: string, value: string, expected?: string][] = [
  [
    "UPS created (PS3.18, 11.4.3)",
    "Location",
    `${STORE}/workitems/1.2`,
    `${GATEWAY}/workitems/1.2`,
  ],
  ["Azure, operation started", "Location", `${STORE}/operations/5`, `${GATEWAY}/operations/5`],
  ["rooted", "Location", "/v2/operations/5", `${GATEWAY}/operations/5`],
  ["elsewhere", "Location", "https://login.example/v2/authorize"],
  ["UPS updated", "Content-Location", `${STORE}/workitems/1.2`, `${GATEWAY}/workitems/1.2`],
  ["relative", "Content-Location", "1.2"],
  ["relative above the base", "Content-Location", "../../v2/a", `${GATEWAY}/a`],
  [
    "subscribed (PS3.18, 11.10.3.2)",
    "Content-Location",
    "wss://store.example/v2/ws/AE",
    "wss://gateway.example/dicom-web/main/ws/AE",
  ],
  [
    "next page (RFC 8288)",
    "Link",
    `<${STORE}/studies?offset=100>; rel="next", </v2/studies>; rel=first;title="<${STORE}/a>, x", <?offset=0>; rel=prev`,
    `<${GATEWAY}/studies?offset=100>; rel="next", <${GATEWAY}/studies>; rel=first;title="<${STORE}/a>, x", <?offset=0>; rel=prev`,
  ],
  [
    "warning (PS3.18, 11.6.3.2)",
    "Warning",
    `299 ${STORE}: The Workitem was updated with modifications.`,
    `299 ${GATEWAY}: The Workitem was updated with modifications.`,
  ],
  [
    "warning with brackets",
    "Warning",
    `A700 <${STORE}>: Out of memory`,
    `A700 <${GATEWAY}>: Out of memory`,
  ],
  [
    "warning in a text",
    "Warning",
    `299 - "See ${STORE}/a, or http://else.test/b."`,
    `299 - "See ${GATEWAY}/a, or http://else.test/b."`,
  ],
  ["warning without URL", "Warning", '299 store.example "/v2/a"'],
  ["another header", "X-Base", STORE],
];

for (const [why, name, value, expected = value] of answers) {
  Deno.test(`rewriteHeaders to the gateway: ${why}`, () => {
    const headers = new Headers({ [name]: value, "Content-Type": "text/plain" });
    rewriteHeaders(map, "toGateway", headers, RESOURCE);
    assert.deepEqual([...headers], [
      ...new Headers({ [name]: expected, "Content-Type": "text/plain" }),
    ]);
  });
}

const requests: [why: string, name: string, value: string, expected?: string][] = [
  ["location of content", "Content-Location", `${GATEWAY}/a`, `${STORE}/a`],
  ["rooted", "Content-Location", "/dicom-web/main/a", `${STORE}/a`],
  ["link", "Link", `<${GATEWAY}/a>; rel=up`, `<${STORE}/a>; rel=up`],
  [
    "another server of the gateway",
    "Content-Location",
    "https://gateway.example/dicom-web/other/a",
  ],
  ["the page of a browser", "Referer", `${GATEWAY}/a`],
];

for (const [why, name, value, expected = value] of requests) {
  Deno.test(`rewriteHeaders to the store: ${why}`, () => {
    const headers = new Headers({ [name]: value });
    rewriteHeaders(map, "toStore", headers, RESOURCE);
    assert.equal(headers.get(name), expected);
  });
}

Deno.test("rewriteHeaders to the gateway: of more URLs than any header has the first 256 are translated", () => {
  for (const [name, before, behind] of [["link", "<", ">"], ["warning", "299 ", " "]] as const) {
    const headers = new Headers([[name, `${before}${STORE}/a${behind}`.repeat(1_000)]]);
    rewriteHeaders(map, "toGateway", headers, RESOURCE);
    assert.equal(headers.get(name)!.split(GATEWAY).length - 1, 256, name);
    assert.equal(headers.get(name)!.split(STORE).length - 1, 744, name);
  }
});
