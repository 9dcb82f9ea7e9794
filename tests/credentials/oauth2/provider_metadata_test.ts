import assert from "node:assert/strict";
import type { DiscoveryConfig } from "../../../src/config/schemes/oauth2/discovery.ts";
import { explainMetadata } from "../../../src/credentials/oauth2/provider_metadata.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";

const URL_ = "https://idp.test/r";
const ENDPOINT = "https://idp.test/r/token";
const ALIAS = "https://mtls.idp.test/r/token";
const issuer: DiscoveryConfig = {
  kind: "issuer",
  url: URL_,
  allowedHosts: ["idp.test:443", "mtls.idp.test:443"],
};
const smart: DiscoveryConfig = { ...issuer, kind: "smart" };
const good = { issuer: URL_, token_endpoint: ENDPOINT };
const aliased = { ...good, mtls_endpoint_aliases: { token_endpoint: ALIAS } };

const explain = (document: unknown, configured = issuer, mutualTls = false) =>
  explainMetadata(typeof document === "string" ? document : JSON.stringify(document), {
    server: "main",
    configured,
    mutualTls,
  });

Deno.test("explainMetadata returns the token endpoint and the issuer", () => {
  assert.deepEqual(explain({ ...good, jwks_uri: "https://evil.test/jwks" }), {
    tokenEndpoint: ENDPOINT,
    issuer: URL_,
  });
});

Deno.test("explainMetadata ignores the issuer of a SMART configuration", () => {
  for (const named of [undefined, "https://other.test"]) {
    assert.deepEqual(explain({ ...good, issuer: named }, smart), {
      tokenEndpoint: ENDPOINT,
      issuer: undefined,
    });
  }
});

Deno.test("explainMetadata returns the alias for clients with a certificate (RFC 8705, section 5)", () => {
  assert.equal(explain(aliased, issuer, true).tokenEndpoint, ALIAS);
  assert.equal(explain(aliased).tokenEndpoint, ENDPOINT);
  assert.equal(explain(good, issuer, true).tokenEndpoint, ENDPOINT);
});

Deno.test("explainMetadata allows http for an http issuer, as on loopback", () => {
  const url = "http://127.0.0.1:8080";
  const configured: DiscoveryConfig = { kind: "issuer", url, allowedHosts: ["127.0.0.1:8080"] };
  const document = { issuer: url, token_endpoint: `${url}/token` };
  assert.equal(explain(document, configured).tokenEndpoint, `${url}/token`);
});

const refused: [document: unknown, code: string, why: RegExp][] = [
  ["<html>", "TOK-001", /is no JSON object$/],
  [[], "TOK-001", /is no JSON object$/],
  ["null", "TOK-001", /is no JSON object$/],
  [{ ...good, issuer: `${URL_}/` }, "TOK-001", /names another issuer: https:\/\/idp\.test\/r\/$/],
  [{ ...good, issuer: undefined }, "TOK-001", /names another issuer: none$/],
  [{ ...good, issuer: "https://IDP.test/r" }, "TOK-001", /names another issuer/],
  [{ issuer: URL_ }, "TOK-001", /names no token endpoint/],
  [{ ...good, token_endpoint: "/token" }, "TOK-001", /names no token endpoint/],
  [{ ...good, token_endpoint: "http://idp.test/token" }, "TOK-001", /names no token endpoint/],
  [{ ...good, token_endpoint: "ftp://idp.test/token" }, "TOK-001", /names no token endpoint/],
  [{ ...good, token_endpoint: "https://u:p@idp.test/t" }, "TOK-001", /names no token endpoint/],
  [{ ...good, token_endpoint: "https://idp.test/t#x" }, "TOK-001", /names no token endpoint/],
  [{ ...good, token_endpoint: "https://evil.test/token" }, "NET-008", /at evil\.test:443$/],
  [{ ...good, token_endpoint: "https://idp.test:444/token" }, "NET-008", /at idp\.test:444$/],
  [{ ...good, token_endpoint: "https://idp.test.evil.test/t" }, "NET-008", /at idp\.test\.evil/],
];
for (const [document, code, why] of refused) {
  Deno.test(`explainMetadata rejects ${JSON.stringify(document)} with ${code}`, () => {
    assert.throws(() => explain(document), (error) => {
      assert(error instanceof GatewayError);
      assert.equal(error.code, code);
      assert.match(error.message, why);
      assert.equal(error.server, "main");
      return true;
    });
  });
}

Deno.test("explainMetadata allows an alias at allowed hosts only", () => {
  const evil = { ...good, mtls_endpoint_aliases: { token_endpoint: "https://evil.test/token" } };
  assert.throws(() => explain(evil, issuer, true), { code: "NET-008" });
});

for (
  const [named, advice] of [
    ["https://login.microsoftonline.com/{tenantid}/v2.0", /write the GUID of yours in place of/],
    [`${URL_}/`, /write Issuer exactly as the message has it/],
  ] as const
) {
  Deno.test(`explainMetadata advises on a document of ${named}`, () => {
    assert.throws(() => explain({ ...good, issuer: named }), (error) => {
      assert(error instanceof GatewayError);
      assert.match(error.troubleshooting[0] ?? "", advice);
      return true;
    });
  });
}

Deno.test("explainMetadata advises on a host that is not allowed", () => {
  try {
    explain({ ...good, token_endpoint: "https://login.test/token" });
    assert.fail("it was allowed");
  } catch (error) {
    assert(error instanceof GatewayError);
    assert.match(error.troubleshooting[0] ?? "", /AllowedHosts/);
  }
});
