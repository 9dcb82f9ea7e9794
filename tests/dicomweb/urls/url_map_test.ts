import assert from "node:assert/strict";
import fc from "fast-check";
import {
  azureSiblings,
  createUrlMap,
  type UrlMapOptions,
} from "../../../src/dicomweb/urls/url_map.ts";
import { UrlTranslation } from "../../../src/dicomweb/urls/url_translation.ts";

const STORE = "https://store.example/v2";
const GATEWAY = "https://gateway.example/dicom-web/main";
const METADATA = "/studies/1.2/series/3.4/metadata";

const AZURE: Partial<UrlMapOptions> = {
  storeBase: `${STORE}/partitions/ward`,
  siblings: azureSiblings(`${STORE}/partitions/ward`),
};

/** The store was moved: it names an old address. */
const ALIAS = "http://pacs.example:8042/dicom-web";
const ALIASES: Partial<UrlMapOptions> = { storeAliases: [ALIAS, "https://old.example"] };

type Row = [why: string, url: string, expected: string, options?: Partial<UrlMapOptions>];

const toGateway: Row[] = [
  // Absolute.
  ["below the base", `${STORE}/studies/1.2?a=b#c`, `${GATEWAY}/studies/1.2?a=b#c`],
  ["the base", STORE, GATEWAY],
  ["the base with a slash", `${STORE}/`, `${GATEWAY}/`],
  ["the base with a query", `${STORE}?requestType=WADO`, `${GATEWAY}?requestType=WADO`],
  ["another scheme (TLS ends before the store)", "http://store.example/v2/a", `${GATEWAY}/a`],
  ["the default port spelled out", "https://store.example:443/v2/a", `${GATEWAY}/a`],
  ["the host in capitals", "HTTPS://Store.Example/v2/a", `${GATEWAY}/a`],
  ["the right port with the wrong scheme", "http://store.example:443/v2/a", `${GATEWAY}/a`],
  ["another port", "https://store.example:8443/v2/a", "https://store.example:8443/v2/a"],
  [
    "no port where the base has one (a port mapping)",
    "http://orthanc/dicom-web/studies/1",
    `${GATEWAY}/studies/1`,
    { storeBase: "http://orthanc:8042/dicom-web" },
  ],
  [
    "the base's port with another scheme",
    "https://orthanc:8042/dicom-web/studies/1",
    `${GATEWAY}/studies/1`,
    { storeBase: "http://orthanc:8042/dicom-web/" },
  ],
  ["percent-encoding kept", `${STORE}/a%20b?c=%2F`, `${GATEWAY}/a%20b?c=%2F`],
  [
    "WebSocket of a subscription (PS3.18, 11.10.3.2)",
    "wss://store.example/v2/ws/subscribers/AE",
    "wss://gateway.example/dicom-web/main/ws/subscribers/AE",
  ],
  [
    "partition below the base",
    `${STORE}/partitions/ward/studies/1`,
    `${GATEWAY}/partitions/ward/studies/1`,
  ],
  ["a store at the root", "https://store.example/studies/1", `${GATEWAY}/studies/1`, {
    storeBase: "https://store.example",
  }],
  // Elsewhere.
  ["a path that only begins like the base", `${STORE}.1/a`, `${STORE}.1/a`],
  [
    "a host that only begins like the base's",
    "https://store.example.evil.test/v2/a",
    "https://store.example.evil.test/v2/a",
  ],
  [
    "a root store's host that only begins alike",
    "https://store.example.evil.test/a",
    "https://store.example.evil.test/a",
    { storeBase: "https://store.example" },
  ],
  [
    "a user name that looks like the store",
    "https://store.example@evil.test/v2/a",
    "https://store.example@evil.test/v2/a",
  ],
  ["credentials", "https://u:p@store.example/v2/a", "https://u:p@store.example/v2/a"],
  ["another resource of the host", "https://store.example/v1/a", "https://store.example/v1/a"],
  ["dot segments that leave the base", `${STORE}/../v1/a`, `${STORE}/../v1/a`],
  ["encoded dot segments that leave the base", `${STORE}/%2e%2E/v1/a`, `${STORE}/%2e%2E/v1/a`],
  ["no web URL", "urn:oid:1.2.3", "urn:oid:1.2.3"],
  ["a content id", "cid:part1@store.example", "cid:part1@store.example"],
  ["no URL", "not a url at all", "not a url at all"],
  ["nothing", "", ""],
  ["a broken URL", "https://[/v2", "https://[/v2"],
  // Dot segments that stay below the base.
  ["dot segments", `${STORE}/studies/../instances/1`, `${GATEWAY}/instances/1`],
  ["dot segments that come back", "https://store.example/v1/../v2/a", `${GATEWAY}/a`],
  // Already the gateway's (as Azure and Orthanc can be configured).
  ["the gateway's own", `${GATEWAY}/studies/1`, `${GATEWAY}/studies/1`],
  [
    "the gateway's own where gateway and store share a host",
    "https://site.example/dicom-web/main/a",
    "https://site.example/dicom-web/main/a",
    {
      storeBase: "http://site.example/dicom-web",
      gatewayBase: "https://site.example/dicom-web/main",
    },
  ],
  [
    "the store's where gateway and store share a host",
    "http://site.example/dicom-web/studies/1",
    "https://site.example/dicom-web/main/studies/1",
    {
      storeBase: "http://site.example/dicom-web",
      gatewayBase: "https://site.example/dicom-web/main",
    },
  ],
  // Rooted.
  ["rooted", "/v2/studies/1.2", `${GATEWAY}/studies/1.2`],
  ["rooted, of a store at the root", "/studies/1.2", `${GATEWAY}/studies/1.2`, {
    storeBase: "https://store.example/",
  }],
  ["rooted, elsewhere", "/v1/studies/1.2", "/v1/studies/1.2"],
  ["without a scheme", "//store.example/v2/a", `${GATEWAY}/a`],
  ["without a scheme, elsewhere", "//evil.test/v2/a", "//evil.test/v2/a"],
  // Relative to /studies/1.2/series/3.4/metadata.
  ["relative", "../bulkdata/1", "../bulkdata/1"],
  ["relative, beside", "bulkdata/1", "bulkdata/1"],
  ["relative, a query", "?offset=100", "?offset=100"],
  ["relative, a fragment", "#here", "#here"],
  ["relative, just below the base", "../../../../bulk/1", "../../../../bulk/1"],
  ["relative, above the base and back", "../../../../../v2/bulk/1", `${GATEWAY}/bulk/1`],
  ["relative, above the base", "../../../../../v1/bulk/1", "../../../../../v1/bulk/1"],
  // Azure: base URL of a partition (Data partitions: "continue to be accessed at the base URI").
  ["Azure, in the partition", `${STORE}/partitions/ward/studies/1`, `${GATEWAY}/studies/1`, AZURE],
  [
    "Azure, another partition",
    `${STORE}/partitions/lab/studies/1`,
    `${STORE}/partitions/lab/studies/1`,
    AZURE,
  ],
  ["Azure, an operation", `${STORE}/operations/5`, `${GATEWAY}/operations/5`, AZURE],
  [
    "Azure, a query tag",
    `${STORE}/extendedquerytags/00101010/errors`,
    `${GATEWAY}/extendedquerytags/00101010/errors`,
    AZURE,
  ],
  [
    "Azure, the change feed",
    `${STORE}/changefeed?offset=1`,
    `${GATEWAY}/changefeed?offset=1`,
    AZURE,
  ],
  ["Azure, what else is at the service's base", `${STORE}/studies/1`, `${STORE}/studies/1`, AZURE],
  // Aliases.
  ["an alias", `${ALIAS}/studies/1?a=b#c`, `${GATEWAY}/studies/1?a=b#c`, ALIASES],
  ["an alias itself", ALIAS, GATEWAY, ALIASES],
  ["an alias at the root", "https://old.example/wado?x=1", `${GATEWAY}/wado?x=1`, ALIASES],
  ["the store's own URL beside aliases", `${STORE}/studies/1`, `${GATEWAY}/studies/1`, ALIASES],
  [
    "an alias with dot segments that leave it",
    `${ALIAS}/../app/1`,
    `${ALIAS}/../app/1`,
    ALIASES,
  ],
  ["a path that only begins like an alias", `${ALIAS}2/studies/1`, `${ALIAS}2/studies/1`, ALIASES],
  [
    "a host that only begins like an alias",
    "https://old.example.evil.test/studies/1",
    "https://old.example.evil.test/studies/1",
    ALIASES,
  ],
  [
    "the gateway's own URL below an alias",
    `${GATEWAY}/studies/1`,
    `${GATEWAY}/studies/1`,
    { storeAliases: ["https://gateway.example"] },
  ],
];

for (const [why, url, expected, options] of toGateway) {
  Deno.test(`toGateway: ${why}: ${url}`, () => {
    const map = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY, ...options });
    assert.equal(map.toGateway.translate(url, METADATA), expected);
  });
}

const toStore: Row[] = [
  ["absolute", `${GATEWAY}/studies/1.2`, `${STORE}/studies/1.2`],
  ["rooted", "/dicom-web/main/studies/1.2", `${STORE}/studies/1.2`],
  [
    "another server's",
    "https://gateway.example/dicom-web/other/a",
    "https://gateway.example/dicom-web/other/a",
  ],
  ["before TLS", "http://gateway.example/dicom-web/main/a", `${STORE}/a`],
  ["the store's own", `${STORE}/studies/1.2`, `${STORE}/studies/1.2`],
  ["Azure, in the partition", `${GATEWAY}/studies/1`, `${STORE}/partitions/ward/studies/1`, AZURE],
  ["Azure, an operation", `${GATEWAY}/operations/5`, `${STORE}/operations/5`, AZURE],
];

for (const [why, url, expected, options] of toStore) {
  Deno.test(`toStore: ${why}: ${url}`, () => {
    const map = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY, ...options });
    assert.equal(map.toStore.translate(url, METADATA), expected);
  });
}

Deno.test("translate does not change a relative reference if the resource is unknown", () => {
  const { toGateway } = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY });
  assert.equal(toGateway.translate("../../../../../v2/bulk/1"), "../../../../../v2/bulk/1");
});

Deno.test("createUrlMap rejects a base that is no URL", () => {
  assert.throws(() => createUrlMap({ storeBase: "store", gatewayBase: GATEWAY }), TypeError);
});

Deno.test("UrlTranslation rejects a list without a base URL for all segments", () => {
  const segments = new Set(["operations"]);
  assert.throws(() => new UrlTranslation([{ from: STORE, to: GATEWAY, segments }]), TypeError);
});

Deno.test("toStore: an alias is not translated: it is no address of the gateway", () => {
  const { toStore } = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY, ...ALIASES });
  assert.equal(toStore.translate(`${ALIAS}/studies/1`), `${ALIAS}/studies/1`);
  assert.equal(toStore.translate(`${GATEWAY}/studies/1`), `${STORE}/studies/1`);
});

Deno.test("findPrefix finds URLs of aliases, so that they cost no parsing", () => {
  const { toGateway } = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY, ...ALIASES });
  for (const base of [STORE, ALIAS, "https://old.example"]) {
    const bytes = new TextEncoder().encode(`${base}/studies/1`);
    assert.equal(toGateway.findPrefix(bytes, 0, bytes.length)?.to, GATEWAY, base);
  }
});

const segment = fc.stringMatching(/^[A-Za-z0-9._~%|' ü-]{1,6}$/);
const anyPath = fc.array(segment, { maxLength: 5 }).map((segments) => segments.join("/"));

Deno.test("translate returns a URL below the gateway's base or the URL itself, and is idempotent", () => {
  const { toGateway } = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY });
  const start = fc.constantFrom(
    `${STORE}/`,
    STORE,
    "https://store.example/",
    "http://store.example:80/v2/",
    "/v2/",
    "/",
    "//store.example/v2/",
    "../",
    "../../../../../v2/",
    "",
  );
  fc.assert(fc.property(start, anyPath, (base, path) => {
    const url = base + path;
    const translated = toGateway.translate(url, METADATA);
    if (translated !== url) assert.ok(new URL(translated).href.startsWith(GATEWAY), translated);
    assert.equal(toGateway.translate(translated, METADATA), translated);
  }));
});

Deno.test("translate leads through the gateway to the same resource of the store", () => {
  const map = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY });
  fc.assert(fc.property(anyPath, (path) => {
    const url = `${STORE}/${path}`;
    const back = map.toStore.translate(map.toGateway.translate(url));
    assert.equal(new URL(back).href, new URL(url).href);
  }));
});
