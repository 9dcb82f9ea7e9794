import assert from "node:assert/strict";
import { withoutAccessTokens } from "../../../src/dicomweb/transaction/query_tokens.ts";

/** Target → what is left of it. */
const TARGETS: readonly [target: string, left: string][] = [
  ["/studies", "/studies"],
  ["/studies?", "/studies?"],
  ["/studies?access_token=t", "/studies"],
  ["/studies?access_token", "/studies"],
  ["/studies?access_token=t&limit=1", "/studies?limit=1"],
  ["/studies?limit=1&access_token=t", "/studies?limit=1"],
  ["/studies?b=2&access_token=t&a=1&access_token=u&c", "/studies?b=2&a=1&c"],
  ["/studies?a=1;access_token=t;b=2", "/studies?a=1;b=2"],
  ["/studies?&a=1&&access_token=t&", "/studies?&a=1&&"],
  ["?access_token=t", ""],
  // As servers decode and normalize names.
  ["/studies?%61ccess_token=t&a=%2f%2F", "/studies?a=%2f%2F"],
  ["/studies?access%5Ftoken=t", "/studies"],
  ["/studies?access%5ftoken%zz=t&access%5ftoken=t", "/studies?access%5ftoken%zz=t"],
  ["/studies?ACCESS_TOKEN=t", "/studies"],
  ["/studies?access.token=t", "/studies"],
  ["/studies?access+token=t", "/studies"],
  ["/studies?access[token=t", "/studies"],
  ["/studies?+access_token=t", "/studies"],
  ["/studies?access_token[]=t", "/studies"],
  ["/studies?access_token%5B0%5D=t", "/studies"],
  ["/studies?access_token%00=t", "/studies"],
  [`/studies?access_token%00${"x".repeat(1_000)}=t`, "/studies"],
  ["/studies?oauth_token=t&$oauth_token=u&bearer_token=v", "/studies"],
  ["/studies?%24access_token=t", "/studies"],
  ["/studies?access%255Ftoken=t", "/studies"],
  ["/studies?accessToken=t&access-token=t", "/studies"],
  ["/studies?%EF%BD%81ccess_token=t", "/studies"],
  ["/studies?access_token%00%ff=t", "/studies"],
  // Only similar.
  ["/studies?PatientName=access_token", "/studies?PatientName=access_token"],
  ["/studies?token=t&a=access_token=t", "/studies?token=t&a=access_token=t"],
  ["/studies?access_tokens=t", "/studies?access_tokens=t"],
  ["/access_token=t?a=%20+b", "/access_token=t?a=%20+b"],
  [
    "/studies?PatientName=M%C3%BC%e4&includefield=all",
    "/studies?PatientName=M%C3%BC%e4&includefield=all",
  ],
];

for (const [target, left] of TARGETS) {
  Deno.test(`withoutAccessTokens: ${target.slice(0, 60)} leaves ${left}`, () => {
    assert.equal(withoutAccessTokens(target), left);
  });
}
