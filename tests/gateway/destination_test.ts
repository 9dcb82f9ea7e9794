import assert from "node:assert/strict";
import { destinationOf } from "../../src/gateway/destination.ts";
import { PAGES } from "../../src/gateway/pages.ts";

function of(path: string, init?: RequestInit) {
  return destinationOf(new Request(`http://gateway:8043${path}`, init));
}

/** Path → server, target and transaction. */
const STORES: readonly [path: string, server: string, target: string, transaction: string][] = [
  ["/dicom-web/main/studies?limit=1", "main", "/studies?limit=1", "search-studies"],
  ["/dicom-web/main", "main", "", "unknown"],
  ["/dicom-web/main?x=1", "main", "?x=1", "unknown"],
  ["/dicom-web/", "", "", "unknown"],
  ["/dicom-web//studies", "", "/studies", "search-studies"],
  ["/dicom-web/m%61in/studies", "m%61in", "/studies", "search-studies"],
  ["/dicom-web/main/stow", "main", "/stow", "unknown"],
  [
    "/dicom-web/main/studies/1.2/reject/113001^DCM",
    "main",
    "/studies/1.2/reject/113001%5EDCM",
    "unknown",
  ],
  ["/dicom-web/main/studies?access_token=secret", "main", "/studies", "search-studies"],
  ["/dicom-web/main/studies?_method=DELETE", "main", "/studies?_method=DELETE", "unknown"],
  ["/oauth-dicom-web/servers/main/studies/1.2", "main", "/studies/1.2", "retrieve-study"],
  ["/oauth-dicom-web/servers/main/stowaway", "main", "/stowaway", "unknown"],
];

for (const [path, server, target, transaction] of STORES) {
  Deno.test(`destinationOf: ${path} is for a store`, () => {
    const destination = of(path);
    assert(destination.kind === "store");
    assert.deepEqual(
      [destination.server, destination.target, destination.transaction.name],
      [server, target, transaction],
    );
  });
}

Deno.test("destinationOf: the plugin's stow is studies, a raw ^ is read as encoded, and headers identify a WebSocket handshake", () => {
  const stow = of("/oauth-dicom-web/servers/main/stow?x=1", { method: "POST" });
  assert(stow.kind === "store");
  assert.deepEqual([stow.target, stow.transaction.name], ["/studies?x=1", "store"]);
  const rejection = of("/dicom-web/main/studies/1.2/reject/113001^DCM", { method: "POST" });
  assert(rejection.kind === "store");
  const { name, study } = rejection.transaction;
  assert.deepEqual([name, study], ["dcm4chee-reject", "1.2"]);
  const headers = { upgrade: "WebSocket" };
  const socket = of("/dicom-web/main/subscribers/AET", { headers });
  assert(socket.kind === "store");
  assert.deepEqual(
    [socket.isWebSocket, socket.transaction.name],
    [true, "open-notification-channel"],
  );
});

Deno.test("destinationOf: every page of the table is found by its path, with the name of its server", () => {
  for (const page of PAGES) {
    const destination = of(`${page.path.replace(":name", "a%20b")}?x=/y`);
    assert(destination.kind === "page");
    assert.equal(destination.page, page);
    assert.equal(destination.server, page.path.includes(":name") ? "a b" : undefined);
  }
});

for (
  const path of [
    "/dicom-web",
    "/dicom%2Dweb/main/studies",
    "/dicomweb%2Doauth/metrics",
    "/dicomweb-oauth/metrics/",
    "/dicomweb-oauth/servers//test",
    "/dicomweb-oauth/servers/a/b/test",
    "/constructor",
  ]
) {
  Deno.test(`destinationOf: ${path} is not a page`, () => {
    const destination = of(path);
    assert(destination.kind === "page");
    assert.deepEqual([destination.page, destination.route], [undefined, "/*"]);
  });
}
