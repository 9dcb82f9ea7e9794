import assert from "node:assert/strict";
import type { GoogleImpersonation } from "../../../src/config/schemes/google/google_credentials.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { createGoogleSource } from "../../../src/credentials/google/create_google_source.ts";
import type { TokenSource } from "../../../src/credentials/token.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { type GoogleServices, startGoogleServices } from "../../fixtures/google_services.ts";
import { failureOf, never, withConnection } from "../source_harness.ts";
import { ACCOUNT, KEY_ID, PRIVATE_KEY, PUBLIC_KEY } from "./google_keys.ts";

const TARGET = "store@clinic.iam.gserviceaccount.com";
const SCOPE = "https://www.googleapis.com/auth/cloud-healthcare";

interface Parts {
  readonly google: GoogleServices;
  readonly clock: FakeClock;
  source(changes?: Partial<GoogleImpersonation>, account?: string): TokenSource;
}

async function withGoogle(body: (parts: Parts) => Promise<void>): Promise<void> {
  const clock = new FakeClock();
  const google = startGoogleServices({
    serviceAccounts: { [ACCOUNT]: { [KEY_ID]: PUBLIC_KEY } },
    mayImpersonate: [TARGET],
    now: () => clock.now(),
  });
  try {
    await withConnection([google.origin], (connection) =>
      body({
        google,
        clock,
        source: (changes = {}, account = TARGET) =>
          createGoogleSource({
            kind: "google",
            grant: {
              type: "service_account",
              tokenEndpoint: google.tokenEndpoint,
              clientEmail: ACCOUNT,
              privateKeyId: KEY_ID,
              privateKey: new Secret(PRIVATE_KEY),
            },
            scope: SCOPE,
            impersonation: {
              url: `${google.origin}/v1/projects/-/serviceAccounts/${account}:generateAccessToken`,
              delegates: [],
              lifetimeSeconds: 1800,
              ...changes,
            },
            quotaProject: undefined,
            refreshBufferMs: 300_000,
          }, connection),
      }), { clock });
  } finally {
    await google.close();
  }
}

Deno.test("impersonationSource gets a token of the service account with the store's scope", () =>
  withGoogle(async ({ google, clock, source }) => {
    const token = await source().acquire(never);
    const [own, made] = [...google.issued];
    assert.deepEqual(own?.[1], ["https://www.googleapis.com/auth/cloud-platform"]);
    assert.deepEqual(made, [token.value, [SCOPE]]);
    assert.equal(token.expiresAtMs - clock.now(), 1_800_000);
    const { headers, body } = google.requests[1]!;
    assert.equal(headers.get("authorization"), `Bearer ${own?.[0]}`);
    assert.deepEqual(JSON.parse(body), { scope: [SCOPE], lifetime: "1800s" });
  }));

Deno.test("impersonationSource names the delegates", () =>
  withGoogle(async ({ google, source }) => {
    await source({ delegates: ["a@b", "projects/-/serviceAccounts/c@d"] }).acquire(never);
    assert.deepEqual(JSON.parse(google.requests[1]?.body ?? "").delegates, [
      "projects/-/serviceAccounts/a@b",
      "projects/-/serviceAccounts/c@d",
    ]);
  }));

Deno.test("impersonationSource fails with AUTH-002 and the missing role without permission", () =>
  withGoogle(async ({ google, source }) => {
    const refused = source({}, "other@clinic.iam.gserviceaccount.com").acquire(never);
    const error = await failureOf(refused);
    assert.equal(error.code, "AUTH-002");
    assert.match(error.message, /Service Account Credentials API answered 403 PERMISSION_DENIED/);
    assert.match(error.troubleshooting[0] ?? "", /roles\/iam\.serviceAccountTokenCreator/);
    const long = await failureOf(source({ lifetimeSeconds: 43_200 }).acquire(never));
    assert.equal(long.code, "AUTH-002");
    assert.match(long.troubleshooting[0] ?? "", /3600 seconds/);
    for (const token of google.issued.keys()) assert(!Deno.inspect(error).includes(token));
  }));

Deno.test("impersonationSource never repeats a token that the API echoes, and rejects other responses", () =>
  withGoogle(async ({ google, clock, source }) => {
    const answers: [answer: (token: string) => Response, code: string][] = [
      [
        (token) =>
          Response.json({ error: { code: 401, status: "UNAUTHENTICATED", message: token } }, {
            status: 401,
          }),
        "AUTH-001",
      ],
      [() => Response.json({ access_token: "ya29.x" }), "TOK-005"],
      [() => Response.json({ accessToken: 7 }), "TOK-005"],
      [() => new Response("<html>"), "TOK-005"],
      [() => new Response("", { status: 503 }), "AUTH-003"],
      [() => new Response("", { status: 302, headers: { location: "http://x/" } }), "NET-004"],
      [() =>
        Response.json({
          accessToken: "ya29.x",
          expireTime: new Date(clock.now() - 1000).toISOString(),
        }), "TOK-005"],
    ];
    for (const [answer, code] of answers) {
      google.answer = ({ path, headers }) =>
        path === "/token"
          ? undefined
          : answer(headers.get("authorization")?.replace("Bearer ", "") ?? "");
      const error = await failureOf(source().acquire(never), ["ya29.x"]);
      assert.equal(error.code, code);
      for (const token of google.issued.keys()) assert(!Deno.inspect(error).includes(token));
    }
    google.answer = ({ path }) =>
      path === "/token" ? undefined : Response.json({ accessToken: "ya29.y" });
    const token = await source().acquire(never);
    assert.equal(token.expiresAtMs - clock.now(), 300_000, "no expireTime: a short life");
  }));

Deno.test("impersonationSource changes its fingerprint with account, life and delegates", () =>
  withGoogle(({ source }) => {
    const prints = [
      source(),
      source({}, "a@b"),
      source({ lifetimeSeconds: 600 }),
      source({ delegates: ["a@b"] }),
    ].map(({ fingerprint }) => fingerprint);
    assert.equal(new Set(prints).size, prints.length);
    return Promise.resolve();
  }));
