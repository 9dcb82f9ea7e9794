import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { decodeJwt, decodeProtectedHeader } from "jose";
import type { GoogleServiceAccount } from "../../../src/config/schemes/google/google_credentials.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { serviceAccountSource } from "../../../src/credentials/google/service_account_source.ts";
import type { TokenSource } from "../../../src/credentials/token.ts";
import type { ErrorCode } from "../../../src/errors/catalogue.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { type GoogleServices, startGoogleServices } from "../../fixtures/google_services.ts";
import { type ConnectionOptions, failureOf, never, withConnection } from "../source_harness.ts";
import { ACCOUNT, KEY_ID, PRIVATE_KEY, PUBLIC_KEY } from "./google_keys.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-healthcare";

type Changes = Partial<GoogleServiceAccount> & { readonly scope?: string };

interface Parts {
  readonly google: GoogleServices;
  source(changes?: Changes): TokenSource;
}

async function withGoogle(
  body: (parts: Parts) => Promise<void>,
  options: ConnectionOptions & { readonly now?: () => number } = {},
): Promise<void> {
  const google = startGoogleServices({
    serviceAccounts: { [ACCOUNT]: { [KEY_ID]: PUBLIC_KEY } },
    ...(options.now && { now: options.now }),
  });
  try {
    await withConnection([google.origin], (connection) =>
      body({
        google,
        source: ({ scope = SCOPE, ...changes } = {}) =>
          serviceAccountSource(
            {
              type: "service_account",
              tokenEndpoint: google.tokenEndpoint,
              clientEmail: ACCOUNT,
              privateKeyId: KEY_ID,
              privateKey: new Secret(PRIVATE_KEY),
              ...changes,
            },
            scope,
            connection,
          ),
      }), options);
  } finally {
    await google.close();
  }
}

Deno.test("serviceAccountSource gets a token for an assertion signed with its key", () =>
  withGoogle(async ({ google, source }) => {
    const token = await source().acquire(never);
    assert.deepEqual(google.issued.get(token.value), [SCOPE]);
    assert.equal(token.expiresAtMs - token.issuedAtMs, 3_599_000);
    const parameters = new URLSearchParams(google.requests[0]?.body);
    assert.deepEqual([...parameters.keys()], ["grant_type", "assertion"]);
    const assertion = parameters.get("assertion") ?? "";
    assert.deepEqual(decodeProtectedHeader(assertion), { alg: "RS256", typ: "JWT", kid: KEY_ID });
    const { iat, exp, ...claims } = decodeJwt(assertion);
    assert.deepEqual(claims, { iss: ACCOUNT, aud: google.tokenEndpoint, scope: SCOPE });
    assert.equal(exp! - iat!, 3600);
  }));

Deno.test("serviceAccountSource signs a new assertion for each token, by the gateway's clock", async () => {
  const clock = new FakeClock();
  await withGoogle(async ({ google, source }) => {
    const account = source();
    await account.acquire(never);
    await clock.advance(86_400_000);
    await account.acquire(never);
    assert.equal(google.issued.size, 2);
  }, { clock, now: () => clock.now() });
});

const other = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const refusals: readonly (readonly [
  what: string,
  changes: Changes,
  code: ErrorCode,
  advice: RegExp,
])[] = [
  ["another key", { privateKey: new Secret(other.privateKey) }, "AUTH-001", /key was deleted/],
  ["a key that is gone", { privateKeyId: "gone" }, "AUTH-001", /key was deleted/],
  ["an account that is gone", { clientEmail: "x@y" }, "AUTH-001", /account was deleted/],
  ["a scope that is none", { scope: "nonsense" }, "AUTH-002", /check Scope/],
];
for (const [what, changes, code, advice] of refusals) {
  Deno.test(`serviceAccountSource fails with ${code} and Google's advice for ${what}`, () =>
    withGoogle(async ({ google, source }) => {
      const error = await failureOf(source(changes).acquire(never));
      assert.equal(error.code, code);
      assert.match(error.troubleshooting[0] ?? "", advice);
      const assertion = new URLSearchParams(google.requests[0]?.body).get("assertion") ?? "";
      assert(!Deno.inspect(error).includes(assertion));
    }));
}

for (const hours of [-2, 2]) {
  Deno.test(`serviceAccountSource reports a clock that is wrong by ${hours} hours`, async () => {
    const clock = new FakeClock();
    const now = () => clock.now() - hours * 3_600_000;
    await withGoogle(async ({ source }) => {
      const error = await failureOf(source().acquire(never));
      assert.equal(error.code, "AUTH-001");
      assert.match(error.troubleshooting[0] ?? "", /^Google: correct the clock/);
    }, { clock, now });
  });
}

Deno.test("serviceAccountSource never repeats an assertion or key that Google echoes", () =>
  withGoogle(async ({ google, source }) => {
    let assertion = "";
    google.answer = ({ body }) => {
      assertion = new URLSearchParams(body).get("assertion") ?? "";
      return Response.json({ error: "invalid_grant", error_description: assertion }, {
        status: 400,
      });
    };
    const error = await failureOf(source().acquire(never));
    assert(assertion.length > 100);
    for (const part of assertion.split(".")) assert(!Deno.inspect(error).includes(part));
  }));

Deno.test("serviceAccountSource changes its fingerprint with every credential", () =>
  withGoogle(({ source }) => {
    const variants: Changes[] = [
      {},
      { clientEmail: "a@b" },
      { privateKey: new Secret(other.privateKey) },
      { tokenEndpoint: "https://accounts.google.com/o/oauth2/token" },
      { scope: "a" },
    ];
    const prints = variants.map((changes) => source(changes).fingerprint);
    assert.equal(new Set(prints).size, variants.length);
    assert.equal(source().fingerprint, prints[0]);
    return Promise.resolve();
  }));
