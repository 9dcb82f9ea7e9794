/** URLs of stores that do not know their own address, and URLs that must stay what they are. */
import assert from "node:assert/strict";
import { isInternal } from "../../../src/config/values/host_names.ts";
import { createUrlMap } from "../../../src/dicomweb/urls/url_map.ts";

const STORE = "https://store.example/pacs/dicom-web";
const GATEWAY = "https://gateway.example/dicom-web/main";
const SEARCH = "/studies?limit=1";
const METADATA = "/studies/1.2/series/3.4/metadata";
const INSTANCE = "/studies/1.2/series/3.4/instances/5.6";
const BULK = `${INSTANCE}/bulk/7fe00010`;

type Row = [why: string, url: string, resource?: string, storeBase?: string];

function translate([, url, resource = SEARCH, storeBase = STORE]: Row): string {
  const map = createUrlMap({ storeBase, gatewayBase: GATEWAY, isInternalHost: isInternal });
  return map.toGateway.translate(url, resource);
}

const OWN: Row[] = [
  // orthanc-team/orthanc-auth-service 35.
  ["a proxy strips a part of the prefix", "https://store.example/dicom-web/studies/1.2"],
  ["a proxy strips the whole prefix", "https://store.example/studies/1.2"],
  ["and the store writes rooted URLs", "/dicom-web/studies/1.2"],
  ["a proxy loses the port", "http://store.example:8042/dicom-web/studies/1.2"],
  // OHIF/Viewers 1602, 3921.
  ["a proxy replaces Host by the address of the store", `http://127.0.0.1:8042/dicom-web${BULK}`],
  ["localhost", `http://localhost:8042/dicom-web${BULK}`],
  ["IPv6", `http://[fd00::2]:8042/dicom-web${INSTANCE}`],
  ["a private address", `http://10.1.2.3/dicom-web${INSTANCE}`],
  ["the name of a container", `http://orthanc:8042/dicom-web${INSTANCE}`],
  ["the name of an nginx upstream", `http://store_backend/dicom-web${INSTANCE}`],
  ["a name of a Kubernetes service", `http://orthanc.pacs.svc.cluster.local/dicom-web${INSTANCE}`],
  ["a name of a private network", `https://orthanc.internal/dicom-web${INSTANCE}`],
  [
    "a proxy adds a prefix",
    `http://orthanc/a/dicom-web${INSTANCE}`,
    SEARCH,
    "https://store.example/dicom-web",
  ],
  [
    "the base of the proxy is its root",
    `http://orthanc/dicom-web${INSTANCE}`,
    SEARCH,
    "https://store.example",
  ],
  ["bulk data in the metadata of its series", `http://orthanc/dicom-web${BULK}`, METADATA],
  ["the answer to an upload to a study", `http://orthanc/dicom-web${INSTANCE}`, "/studies/1.2"],
];

for (const row of OWN) {
  const [why, url] = row;
  Deno.test(`toGateway: ${why}: ${url} is the store's`, () => {
    const path = url.slice(url.indexOf("/studies/1.2"));
    assert.equal(translate(row), GATEWAY + path);
  });
}

const FOREIGN: Row[] = [
  ["a public host", `https://archive.example/dicom-web${INSTANCE}`],
  ["a public address", `http://203.0.113.5/dicom-web${INSTANCE}`],
  ["a subdomain of the store's host", `https://cdn.store.example/dicom-web${INSTANCE}`],
  ["a name that ends like an internal one", `https://evilinternal.example/dicom-web${INSTANCE}`],
  ["a public name that begins with an address", `http://127.0.0.1.evil.test/dicom-web${INSTANCE}`],
  ["a user name", `http://orthanc@evil.test/dicom-web${INSTANCE}`],
  ["credentials", `http://u:p@orthanc/dicom-web${INSTANCE}`],
  ["the base URL of another store there", "http://orthanc/aets/LAB/rs/studies/1.2"],
  ["a base that only ends in the same letters", "http://orthanc/web/studies/1.2"],
  ["another server of the gateway", "https://gateway.example/dicom-web/studies/1.2"],
  ["a signature", `http://orthanc/dicom-web${INSTANCE}?X-Amz-Signature=1`],
  ["a fragment", `http://orthanc/dicom-web${INSTANCE}#x`],
  ["no resource", "http://orthanc/dicom-web/studies"],
  ["no UID", "http://orthanc/dicom-web/studies/all"],
  ["an operation of the archive", "http://orthanc/dicom-web/studies/1.2/reject/113001"],
  ["a resource that no answer names", "http://orthanc/dicom-web/changefeed"],
  ["dot segments", "http://orthanc/dicom-web/studies/1.2/../../instances"],
  ["encoded dot segments", "http://orthanc/dicom-web/studies/1.2/%2e%2e/%2e%2e/app"],
  [
    "encoded slashes",
    "http://orthanc/dicom-web/studies/1.2/series/3.4/instances/5.6/bulk/..%2f..%2fapp",
  ],
  ["a WebSocket", "ws://orthanc/dicom-web/studies/1.2"],
  ["another study than the one asked for", "http://orthanc/dicom-web/studies/9.9", "/studies/1.2"],
  ["bulk data of another study", `http://orthanc/dicom-web${BULK}`, "/studies/9.9/metadata"],
  [
    "bulk data of another series",
    `http://orthanc/dicom-web${BULK}`,
    "/studies/1.2/series/9.9/metadata",
  ],
  // The Retrieve URL of a manifest (XDS-I) is another archive's, and so is that of a workitem.
  ["a Retrieve URL in stored content", `http://orthanc/dicom-web${INSTANCE}`, METADATA],
  ["a Retrieve URL in a workitem", `http://orthanc/dicom-web${INSTANCE}`, "/workitems/1.2"],
  ["no known request", `http://orthanc/dicom-web${INSTANCE}`, "/anything"],
];

for (const row of FOREIGN) {
  const [why, url, resource = SEARCH] = row;
  Deno.test(`toGateway: ${why}: ${url} in the answer to ${resource} is unchanged`, () => {
    assert.equal(translate(row), url);
  });
}

Deno.test("toGateway: the URL of another server of a gateway with an internal name is unchanged", () => {
  const map = createUrlMap({
    storeBase: "http://orthanc:8042",
    gatewayBase: "http://gateway:8043/dicom-web/main",
    isInternalHost: isInternal,
  });
  for (const port of ["8043", "8042"]) {
    const url = `http://gateway:${port}/dicom-web/lab${INSTANCE}`;
    const expected = port === "8043" ? url : `http://gateway:8043/dicom-web/main${INSTANCE}`;
    assert.equal(map.toGateway.translate(url, SEARCH), expected);
  }
});

Deno.test("toStore: an internal URL is unchanged: no request of a client makes one of it the store's", () => {
  const map = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY, isInternalHost: isInternal });
  const url = `http://orthanc/dicom-web${INSTANCE}`;
  assert.equal(map.toStore.translate(url, SEARCH), url);
});
