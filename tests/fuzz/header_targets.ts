/**
 * Header values, repeated up to the runtime's limit: their readers stay within the campaign's limit
 * of processor time. One header must not block all other clients.
 */
import { normaliseAccept, normaliseContentType } from "../../src/dicomweb/media_type/accept.ts";
import { publicBase } from "../../src/dicomweb/urls/public_base.ts";
import { profiles } from "../../src/dicomweb/profile/profile.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import { rewriteHeaders } from "../../src/dicomweb/urls/url_headers.ts";
import { createUrlMap } from "../../src/dicomweb/urls/url_map.ts";
import { ClientAddress } from "../../src/gateway/client_address.ts";
import { requestHeaders } from "../../src/upstream/end_to_end_headers.ts";
import { answerTagAsAsked } from "../../src/upstream/changed_body.ts";
import { firstLine, type FuzzTarget, latin1 } from "./target.ts";

const LENGTH = 64 * 1024;

const urls = createUrlMap({
  storeBase: "https://store.example/v2",
  gatewayBase: "http://gateway:8043/dicom-web/main",
});
const addresses = new ClientAddress(["10.0.0.1"]);

/** A value and its repetition, for everything that reads headers. */
export const headerValues: FuzzTarget = {
  name: "header-values",
  words: [
    '<https://store.example/v2>; rel="next", ',
    "299 store.example: text",
    'for="[2001:db8::1]:4711";proto=https',
    'W/"tag", ',
    'multipart/related; type="application/dicom"; q=0.5, ',
    "eyJ",
    "Bearer ",
    '\\"',
  ],
  run(input) {
    const [start, rest] = firstLine(input);
    const repeated = latin1(rest);
    const value = (start + repeated.repeat(Math.ceil(LENGTH / Math.max(1, repeated.length))))
      .slice(0, LENGTH).replaceAll(/[\0\r\n]/g, " ");
    const headers = () => {
      const names = ["content-location", "forwarded", "link", "location", "warning"];
      const proxies = ["for", "host", "port", "prefix", "proto"].map((each) =>
        `x-forwarded-${each}`
      );
      return new Headers([...names, ...proxies, "connection", "etag"].map((name) => [name, value]));
    };
    const requestUrl = "http://gateway:8043/dicom-web/main/studies";
    const transaction = classify("GET", "/studies");
    rewriteHeaders(urls, "toStore", headers(), "/studies");
    rewriteHeaders(urls, "toGateway", headers(), "/studies");
    publicBase({ publicUrl: undefined, requestUrl, headers: headers(), trusted: true });
    addresses.of(headers(), "10.0.0.1");
    requestHeaders(headers());
    answerTagAsAsked(new Headers({ etag: '"1"' }), value);
    normaliseAccept(transaction, value, profiles.azure);
    normaliseContentType(value, profiles.azure);
  },
};
