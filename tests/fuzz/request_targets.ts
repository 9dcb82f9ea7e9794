/**
 * Paths and headers of clients.
 */
import assert from "node:assert/strict";
import { normaliseAccept, normaliseContentType } from "../../src/dicomweb/media_type/accept.ts";
import {
  formatMediaType,
  parseAccept,
  parseMediaType,
} from "../../src/dicomweb/media_type/media_type.ts";
import { PROFILE_NAMES, profiles } from "../../src/dicomweb/profile/profile.ts";
import { findTargetFault } from "../../src/dicomweb/transaction/store_path.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import { transactions } from "../../src/dicomweb/transaction/transaction_catalogue.ts";
import { requestHeaders } from "../../src/upstream/end_to_end_headers.ts";
import { firstLine, type FuzzTarget, latin1 } from "./target.ts";

const BASES = ["https://store.example/v2", "https://store.example/v1/dicomStores/a/dicomWeb"];

/** What `requestHeaders` never lets through. */
const STOPPED = ["authorization", "cookie", "host", "x-forwarded-for", "transfer-encoding", "te"];

/** A request's target joined to the store's base URL: nothing outside it is ever requested. */
export const urlJoining: FuzzTarget = {
  name: "url-joining",
  words: ["/studies", "/series/", "/instances/", "/frames/1", "?limit=1", "/..;/", "/.%2e/", "\\"],
  run(input) {
    const target = latin1(input);
    const transaction = classify("GET", target);
    assert(Object.hasOwn(transactions, transaction.name));
    if (findTargetFault(target) !== undefined) return;
    for (const base of BASES) {
      const { href, origin, pathname } = new URL(base + target);
      const expected = new URL(base);
      assert.equal(origin, expected.origin);
      assert(pathname === expected.pathname || pathname.startsWith(`${expected.pathname}/`), href);
      assert(!decodeURIComponentSafely(pathname).split(/[/\\]/).includes(".."), href);
      assert(!href.includes("#"), href);
    }
  },
};

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A client's headers: the blocked ones are blocked, none are invented. */
export const headerFiltering: FuzzTarget = {
  name: "header-filtering",
  words: ["Connection: ", "authorization", "X-API-Key", "content-length", "close, ", "keep-alive"],
  run(input) {
    const inbound = new Headers();
    for (const line of latin1(input).split("\n")) {
      const colon = line.indexOf(":");
      try {
        inbound.append(line.slice(0, colon), line.slice(colon + 1));
      } catch {
        // Not a header field: the runtime's parser would have rejected it.
      }
    }
    const passed = requestHeaders(inbound, "x-api-key");
    for (const name of [...STOPPED, "x-api-key", "connection"]) assert(!passed.has(name), name);
    const nominated = (inbound.get("connection") ?? "").toLowerCase().split(",")
      .map((name) => name.trim());
    // The runtime's `get` and iterator differ on repeated empty fields: the filter uses the
    // iterator.
    const given = new Map(inbound);
    for (const [name, value] of passed) {
      // Setting a value trims it (RFC 9110, section 5.5).
      assert.equal(value, given.get(name)?.replaceAll(/^[\t\n\r ]+|[\t\n\r ]+$/g, ""));
      const isKept = ["content-length", "content-type", "host"].includes(name);
      assert(isKept || !nominated.includes(name), `${name} was nominated`);
    }
  },
};

/** `Accept` and `Content-Type`: read, negotiated and written safely, and writing is stable. */
export const mediaTypes: FuzzTarget = {
  name: "media-types",
  words: ['multipart/related; type="application/dicom"', ";q=0.5", "transfer-syntax=*", '"'],
  run(input) {
    const [target, rest] = firstLine(input);
    const header = latin1(rest);
    for (const type of parseAccept(header)) assert(type.quality > 0 && type.quality <= 1);
    const type = parseMediaType(header);
    if (type !== undefined) {
      const again = parseMediaType(formatMediaType(type));
      assert.equal(again?.essence, type.essence);
      assert.deepEqual([...again!.parameters], [...type.parameters]);
    }
    const transaction = classify("GET", target);
    for (const name of PROFILE_NAMES) {
      normaliseAccept(transaction, header, profiles[name]);
      normaliseContentType(header, profiles[name]);
    }
  },
};
