/**
 * ID tokens for Identity-Aware Proxy and Cloud Run, from each source that issues them.
 */
import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import type { GoogleCredentials } from "../../../src/config/schemes/google/google_credentials.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { createGoogleSource } from "../../../src/credentials/google/create_google_source.ts";
import type { TokenSource } from "../../../src/credentials/token.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { type GoogleMetadataServer, startGoogleMetadata } from "../../fixtures/google_metadata.ts";
import { type GoogleServices, startGoogleServices } from "../../fixtures/google_services.ts";
import { failureOf, never, withConnection } from "../source_harness.ts";
import { ACCOUNT, KEY_ID, PRIVATE_KEY, PUBLIC_KEY } from "./google_keys.ts";

const AUDIENCE = "https://orthanc-abc-ew.a.run.app";
const TARGET = "store@clinic.iam.gserviceaccount.com";
const SOURCES = ["service account", "metadata server", "impersonation"] as const;

interface Parts {
  readonly clock: FakeClock;
  readonly google: GoogleServices;
  readonly metadata: GoogleMetadataServer;
  source(from: (typeof SOURCES)[number], audience?: string, target?: string): TokenSource;
}

async function withSources(body: (parts: Parts) => Promise<void>): Promise<void> {
  const clock = new FakeClock();
  const now = () => clock.now();
  const google = startGoogleServices({
    serviceAccounts: { [ACCOUNT]: { [KEY_ID]: PUBLIC_KEY } },
    mayImpersonate: [TARGET],
    now,
  });
  const metadata = startGoogleMetadata({ now });
  const account: GoogleCredentials["grant"] = {
    type: "service_account",
    tokenEndpoint: google.tokenEndpoint,
    clientEmail: ACCOUNT,
    privateKeyId: KEY_ID,
    privateKey: new Secret(PRIVATE_KEY),
  };
  try {
    await withConnection([google.origin, metadata.origin], (connection) =>
      body({
        clock,
        google,
        metadata,
        source: (from, audience = AUDIENCE, target = TARGET) =>
          createGoogleSource({
            kind: "google",
            grant: from === "metadata server"
              ? { type: "metadata", origin: metadata.origin, account: "default" }
              : account,
            scope: "https://www.googleapis.com/auth/cloud-healthcare",
            audience,
            impersonation: from !== "impersonation" ? undefined : {
              url: `${google.origin}/v1/projects/-/serviceAccounts/${target}:generateAccessToken`,
              delegates: [],
              lifetimeSeconds: 1800,
            },
            quotaProject: undefined,
            refreshBufferMs: 300_000,
          }, connection),
      }), { clock });
  } finally {
    await google.close();
    await metadata.close();
  }
}

for (const from of SOURCES) {
  Deno.test(`An ID token by ${from} is for the audience, and lives until its exp`, () =>
    withSources(async ({ clock, source }) => {
      const token = await source(from).acquire(never);
      const { aud, email } = decodeJwt(token.value);
      assert.equal(aud, AUDIENCE);
      assert.equal(token.type, "Bearer");
      assert.equal(token.expiresAtMs, Math.floor(clock.now() / 1000 + 3600) * 1000);
      // Identity-Aware Proxy requires it; in tokens by assertion Google always writes it.
      if (from !== "service account") assert.equal(typeof email, "string");
    }));

  Deno.test(`An ID token by ${from} is cached by its audience`, () =>
    withSources(({ source }) => {
      assert.notEqual(source(from).fingerprint, source(from, "other").fingerprint);
      return Promise.resolve();
    }));

  Deno.test(`A response without an ID token by ${from} is TOK-005`, () =>
    withSources(async ({ google, metadata, source }) => {
      metadata.answer = () =>
        new Response("ya29.opaque", { headers: { "metadata-flavor": "Google" } });
      google.answer = ({ path }) =>
        from === "impersonation" && path === "/token"
          ? undefined
          : Response.json({ access_token: "ya29.opaque", accessToken: "ya29.opaque" });
      const error = await failureOf(source(from).acquire(never), ["ya29.opaque"]);
      assert.equal(error.code, "TOK-005");
    }));
}

Deno.test("An ID token of an account that may not be impersonated fails with the missing role", () =>
  withSources(async ({ source }) => {
    const other = source("impersonation", AUDIENCE, "other@clinic.iam.gserviceaccount.com");
    const error = await failureOf(other.acquire(never));
    assert.equal(error.code, "AUTH-002");
    assert.match(error.troubleshooting[0] ?? "", /roles\/iam\.serviceAccountTokenCreator/);
  }));
