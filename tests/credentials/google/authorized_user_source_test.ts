import assert from "node:assert/strict";
import type { GoogleAuthorizedUser } from "../../../src/config/schemes/google/google_credentials.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { authorizedUserSource } from "../../../src/credentials/google/authorized_user_source.ts";
import type { TokenSource } from "../../../src/credentials/token.ts";
import { type GoogleServices, startGoogleServices } from "../../fixtures/google_services.ts";
import { failureOf, never, withConnection } from "../source_harness.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const REFRESH_TOKEN = "1//marked+refresh/token";
const CLIENT_SECRET = "marked client/secret+";

type Changes = Partial<GoogleAuthorizedUser>;

async function withGoogle(
  body: (
    google: GoogleServices,
    source: (changes?: Changes, scope?: string) => TokenSource,
  ) => Promise<void>,
): Promise<void> {
  const google = startGoogleServices({
    users: {
      [REFRESH_TOKEN]: { clientId: "gcloud", clientSecret: CLIENT_SECRET },
      "another's": { clientId: "other", clientSecret: CLIENT_SECRET },
    },
  });
  try {
    await withConnection(
      [google.origin],
      (connection) =>
        body(google, (changes = {}, scope = SCOPE) =>
          authorizedUserSource(
            {
              type: "authorized_user",
              tokenEndpoint: google.tokenEndpoint,
              clientId: "gcloud",
              clientSecret: new Secret(CLIENT_SECRET),
              refreshToken: new Secret(REFRESH_TOKEN),
              ...changes,
            },
            scope,
            connection,
          )),
    );
  } finally {
    await google.close();
  }
}

Deno.test("authorizedUserSource exchanges its refresh token", () =>
  withGoogle(async (google, source) => {
    const token = await source().acquire(never);
    assert.deepEqual(google.issued.get(token.value), [SCOPE]);
    assert.deepEqual(Object.fromEntries(new URLSearchParams(google.requests[0]?.body)), {
      grant_type: "refresh_token",
      refresh_token: REFRESH_TOKEN,
      scope: SCOPE,
      client_id: "gcloud",
      client_secret: CLIENT_SECRET,
    });
  }));

Deno.test("authorizedUserSource advises on a revoked token and a wrong client", () =>
  withGoogle(async (_google, source) => {
    const secrets = [REFRESH_TOKEN, CLIENT_SECRET, "another's"];
    const revoked = source({ refreshToken: new Secret("another's") });
    const error = await failureOf(revoked.acquire(never), secrets);
    assert.equal(error.code, "AUTH-001");
    assert.match(error.troubleshooting[0] ?? "", /application-default login/);
    for (const changes of [{ clientId: "gone" }, { clientSecret: new Secret("wrong") }]) {
      const error = await failureOf(source(changes).acquire(never), secrets);
      assert.equal(error.code, "AUTH-001");
    }
    assert.equal((await failureOf(source({}, "nonsense").acquire(never))).code, "AUTH-002");
  }));

Deno.test("authorizedUserSource never repeats a secret that Google echoes", () =>
  withGoogle(async (google, source) => {
    google.answer = ({ body }) => {
      const description = `${body} ${btoa(REFRESH_TOKEN)} ${CLIENT_SECRET}`;
      return Response.json({ error: "x", error_description: description }, { status: 400 });
    };
    await failureOf(source().acquire(never), [REFRESH_TOKEN, CLIENT_SECRET]);
  }));

Deno.test("authorizedUserSource changes its fingerprint with every credential", () =>
  withGoogle((_google, source) => {
    const variants: Changes[] = [
      {},
      { clientId: "a" },
      { clientSecret: new Secret("a") },
      { refreshToken: new Secret("a") },
      { tokenEndpoint: "https://accounts.google.com/o/oauth2/token" },
    ];
    const prints = [...variants.map((changes) => source(changes)), source({}, "a")]
      .map(({ fingerprint }) => fingerprint);
    assert.equal(new Set(prints).size, prints.length);
    return Promise.resolve();
  }));
