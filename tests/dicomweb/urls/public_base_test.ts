import assert from "node:assert/strict";
import { publicBase } from "../../../src/dicomweb/urls/public_base.ts";

const OWN = "http://10.0.0.7:8043";

/** `Forwarded` and `X-Forwarded-*` of a trusted proxy, and the resulting base URL. */
const trusted: [why: string, forwarded: Record<string, string>, expected: string][] = [
  ["nothing said", {}, OWN],
  ["host and scheme", { Host: "pacs.example", Proto: "https" }, "https://pacs.example"],
  ["host and port", { Host: "pacs.example:8443", Proto: "https" }, "https://pacs.example:8443"],
  ["default port", { Host: "PACS.example:443", Proto: "HTTPS" }, "https://pacs.example"],
  [
    "port of its own",
    { Host: "pacs.example", Port: "8443", Proto: "https" },
    "https://pacs.example:8443",
  ],
  ["port twice", { Host: "pacs.example:81", Port: "8443" }, "http://pacs.example:81"],
  ["only a port", { Port: "8443" }, OWN],
  ["only a scheme", { Proto: "https" }, "https://10.0.0.7:8043"],
  ["IPv6", { Host: "[2001:db8::1]:8443" }, "http://[2001:db8::1]:8443"],
  ["prefix", { Host: "site.example", Prefix: "/gateway/one/" }, "http://site.example/gateway/one"],
  ["no prefix", { Host: "site.example", Prefix: "/" }, "http://site.example"],
  [
    "Forwarded (RFC 7239)",
    { Forwarded: 'for="[::1]:5";proto=https;HOST="pacs.example:8443";by=x' },
    "https://pacs.example:8443",
  ],
  ["Forwarded before X-Forwarded", {
    Forwarded: "host=a.example;proto=https",
    Host: "b.example",
    Proto: "http",
  }, "https://a.example"],
  [
    "Forwarded without host",
    { Forwarded: "for=192.0.2.1;proto=https", Host: "b.example" },
    "https://b.example",
  ],
  [
    "what the client has sent before the proxy",
    { Forwarded: "host=evil.test, host=a.example" },
    "http://a.example",
  ],
  [
    "what the client has sent before the proxy, X-",
    { Host: "evil.test, a.example" },
    "http://a.example",
  ],
  ["a comma in quotes", { Forwarded: 'host="evil.test,";host2="a.example"' }, OWN],
  ["a host that is none", { Host: "evil.test/path" }, OWN],
  ["a host with a user", { Host: "a.example@evil.test" }, OWN],
  ["a host that breaks out of JSON", { Host: 'a.example"},' }, OWN],
  ["a port that is none", { Host: "a.example", Port: "8443/x" }, "http://a.example"],
  ["a scheme that is none", { Host: "a.example", Proto: "javascript" }, "http://a.example"],
  ["a prefix with dot segments", { Host: "a.example", Prefix: "/../x" }, "http://a.example"],
  ["a prefix that is a host", { Host: "a.example", Prefix: "//evil.test" }, "http://a.example"],
  ["a prefix without slash", { Host: "a.example", Prefix: ".evil.test" }, "http://a.example"],
];

for (const [why, forwarded, expected] of trusted) {
  const headers = new Headers(
    Object.entries(forwarded).map((
      [name, value],
    ) => [name === "Forwarded" ? name : `X-Forwarded-${name}`, value]),
  );
  const request = { publicUrl: undefined, requestUrl: `${OWN}/dicom-web/main/studies`, headers };
  Deno.test(`publicBase by the headers of a trusted proxy: ${why}`, () => {
    assert.equal(publicBase({ ...request, trusted: true }), expected);
  });

  Deno.test(`publicBase ignores forwarding headers of others: ${why}`, () => {
    assert.equal(publicBase({ ...request, trusted: false }), OWN);
  });
}

Deno.test("publicBase is the configured URL, whatever the request says", () => {
  const headers = new Headers({ "X-Forwarded-Host": "evil.test" });
  for (const trusted of [true, false]) {
    assert.equal(
      publicBase({ publicUrl: "https://pacs.example/gw/", requestUrl: OWN, headers, trusted }),
      "https://pacs.example/gw",
    );
  }
});

for (
  const requestUrl of [
    "",
    "/dicom-web",
    "http://a_'b.example/",
    "http://ex%61mple(/",
    "http://a.example:99999/",
  ]
) {
  Deno.test(`publicBase is undefined for a request to "${requestUrl}"`, () => {
    const request = { publicUrl: undefined, requestUrl, headers: new Headers(), trusted: false };
    assert.equal(publicBase(request), undefined);
  });
}

Deno.test("publicBase reads the request's own host, a name, an address or IPv6", () => {
  for (const base of ["http://localhost:8043", "https://pacs", "http://[::1]:8043"]) {
    const request = { publicUrl: undefined, headers: new Headers(), trusted: false };
    assert.equal(publicBase({ ...request, requestUrl: `${base}/dicom-web/a/studies?x` }), base);
  }
});
