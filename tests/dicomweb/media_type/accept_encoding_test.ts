import assert from "node:assert/strict";
import { acceptedCodings } from "../../../src/dicomweb/media_type/accept_encoding.ts";

/** `Accept-Encoding`; whether gzip is wanted; whether no coding is acceptable (RFC 9110, 12.5.3). */
const ROWS: readonly (readonly [field: string | null, gzip: boolean, identity: boolean])[] = [
  [null, false, true],
  ["", false, true],
  ["gzip", true, true],
  ["GZip", true, true],
  ["x-gzip", true, true],
  ["gzip, deflate", true, true],
  ["gzip, deflate, br, zstd", true, true],
  ["compress, gzip", true, true],
  ["compress;q=0.5, gzip;q=1.0", true, true],
  ["gzip ; q=0.001", true, true],
  ["gzip;q=0", false, true],
  ["gzip;q=0.000, *", false, true],
  ["br", false, true],
  ["br, gzip;q=0.1", true, true],
  ["*", true, true],
  ["*;q=0", false, false],
  ["*;q=0, identity", false, true],
  ["identity", false, true],
  ["identity, gzip;q=0.5", false, true],
  ["identity;q=0.5, gzip;q=0.5", true, true],
  ["identity;q=0", false, false],
  ["gzip, identity;q=0", true, false],
  ["gzip;q=1.0, identity; q=0.5, *;q=0", true, true],
  ["gzip;q=2", false, true],
  ["gzip;q=", false, true],
  ["gzip;q=high", false, true],
  ["notgzip", false, true],
  [",, gzip ,", true, true],
];

for (const [field, gzip, identity] of ROWS) {
  Deno.test(`acceptedCodings: ${field}`, () =>
    assert.deepEqual(acceptedCodings(field), { gzip, identity }));
}
