import assert from "node:assert/strict";
import type {
  GoogleFederation,
  GoogleSubject,
} from "../../../src/config/schemes/google/google_credentials.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { federationSource } from "../../../src/credentials/google/federation_source.ts";
import type { TokenSource } from "../../../src/credentials/token.ts";
import { startImds } from "../../fixtures/azure_identity_services.ts";
import { type GoogleServices, startGoogleServices } from "../../fixtures/google_services.ts";
import { failureOf, never, withConnection } from "../source_harness.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const AUDIENCE =
  "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/c";
const JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt";
const SUBJECT = "marked/subject+token";

interface Parts {
  readonly google: GoogleServices;
  readonly directory: string;
  /** Tokens that the pool accepts. */
  readonly accepted: Set<string>;
  source(subject: GoogleSubject, changes?: Partial<GoogleFederation>): TokenSource;
}

async function withGoogle(
  body: (parts: Parts) => Promise<void>,
  urls: readonly string[] = [],
): Promise<void> {
  const accepted = new Set([SUBJECT]);
  const google = startGoogleServices({
    federation: { audience: AUDIENCE, subjectTokens: accepted },
  });
  const directory = await Deno.makeTempDir();
  try {
    await withConnection([google.origin, ...urls], (connection) =>
      body({
        google,
        directory,
        accepted,
        source: (subject, changes = {}) =>
          federationSource(
            {
              type: "external_account",
              tokenEndpoint: google.stsEndpoint,
              audience: AUDIENCE,
              subjectTokenType: JWT_TYPE,
              subject,
              client: undefined,
              workforceProject: undefined,
              ...changes,
            },
            SCOPE,
            connection,
          ),
      }));
  } finally {
    await google.close();
    await Deno.remove(directory, { recursive: true });
  }
}

function parametersOf(google: GoogleServices, index = 0): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(google.requests[index]?.body));
}

Deno.test("federationSource exchanges the token of a file that it reads each time", () =>
  withGoogle(async ({ google, directory, accepted, source }) => {
    const file = `${directory}/token`;
    const federation = source({ from: "file", file, field: undefined });
    await Deno.writeTextFile(file, `${SUBJECT}\n`);
    const token = await federation.acquire(never);
    assert.deepEqual(google.issued.get(token.value), [SCOPE]);
    assert.deepEqual(parametersOf(google), {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      audience: AUDIENCE,
      scope: SCOPE,
      requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
      subject_token: SUBJECT,
      subject_token_type: JWT_TYPE,
    });
    assert(!google.requests[0]?.headers.has("authorization"));
    accepted.add("renewed");
    await Deno.writeTextFile(file, "renewed");
    await federation.acquire(never);
    assert.equal(parametersOf(google, 1).subject_token, "renewed");
  }));

Deno.test("federationSource reads the token in a JSON file", () =>
  withGoogle(async ({ directory, source }) => {
    const file = `${directory}/token.json`;
    const federation = source({ from: "file", file, field: "access_token" });
    await Deno.writeTextFile(file, JSON.stringify({ access_token: SUBJECT }));
    await federation.acquire(never);
    for (const text of ["{}", "no JSON", '{"access_token":7}', '{"access_token":""}', "null"]) {
      await Deno.writeTextFile(file, text);
      const error = await failureOf(federation.acquire(never));
      assert.equal(error.code, "TOK-005");
      assert.match(error.message, /token\.json does not contain the text "access_token"/);
    }
    await Deno.remove(file);
    const missing = await failureOf(federation.acquire(never));
    assert.equal(missing.code, "TOK-001");
    assert.match(missing.troubleshooting[0] ?? "", /credential_source\.file/);
  }));

Deno.test("federationSource exchanges the token of an Azure machine, as in Google's documentation", async () => {
  const imds = startImds();
  const url = `${imds.url}?api-version=2018-02-01&resource=api://pool`;
  await withGoogle(async ({ accepted, source }) => {
    const subject = {
      from: "url",
      url,
      headers: { metadata: new Secret("true") },
      field: "access_token",
    } as const;
    const refused = await failureOf(source(subject).acquire(never));
    assert.equal(refused.code, "AUTH-001", "the pool does not know it yet");
    assert(!Deno.inspect(refused).includes(imds.issued[0]!));
    accepted.add(imds.issued[0]!);
    await source(subject).acquire(never);
    const without = await failureOf(source({ ...subject, headers: {} }).acquire(never));
    assert.match(without.message, /provider of the subject token answered 400 bad_request_102/);
  }, [url]);
  await imds.close();
});

Deno.test("federationSource follows no redirect of the other provider, and never repeats its headers", async () => {
  const header = "marked header/secret+";
  let answer = () => Response.redirect("http://127.0.0.1:1/");
  const provider = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => answer(),
  );
  const url = `http://127.0.0.1:${provider.addr.port}/token`;
  await withGoogle(async ({ google, source }) => {
    const headers = { authorization: new Secret(header) };
    const federation = source({ from: "url", url, headers, field: undefined });
    assert.equal((await failureOf(federation.acquire(never))).code, "NET-004");
    answer = () => new Response(`refused: ${header} ${btoa(header)}`, { status: 401 });
    assert.equal((await failureOf(federation.acquire(never), [header])).code, "AUTH-001");
    answer = () => new Response("", { status: 503 });
    assert.equal((await failureOf(federation.acquire(never))).code, "AUTH-003");
    answer = () => new Response("x".repeat(65_537));
    assert.equal((await failureOf(federation.acquire(never))).code, "TOK-005");
    answer = () => new Response(" \n");
    assert.equal((await failureOf(federation.acquire(never))).code, "TOK-005");
    assert.equal(google.requests.length, 0);
  }, [url]);
  await provider.shutdown();
});

Deno.test("federationSource advises on a wrong pool and a rejected token", () =>
  withGoogle(async ({ google, directory, source }) => {
    const file = `${directory}/token`;
    await Deno.writeTextFile(file, SUBJECT);
    const subject = { from: "file", file, field: undefined } as const;
    const pool = await failureOf(source(subject, { audience: "//other" }).acquire(never), [
      SUBJECT,
    ]);
    assert.equal(pool.code, "AUTH-002");
    assert.match(pool.troubleshooting[0] ?? "", /workload identity pool/);

    google.answer = ({ body }) =>
      Response.json({
        error: { code: 403, status: "PERMISSION_DENIED", message: `it is disabled. ${body}` },
      }, { status: 403 });
    const disabled = await failureOf(source(subject).acquire(never), [SUBJECT]);
    assert.equal(disabled.code, "AUTH-002");
    assert.match(disabled.message, /403 PERMISSION_DENIED \(it is disabled/);
    assert.match(disabled.troubleshooting[0] ?? "", /enable the API/);
  }));

Deno.test("federationSource sends its client, or the project of a workforce pool", () =>
  withGoogle(async ({ google, directory, source }) => {
    const file = `${directory}/token`;
    await Deno.writeTextFile(file, SUBJECT);
    const subject = { from: "file", file, field: undefined } as const;
    await source(subject, { workforceProject: "123" }).acquire(never);
    assert.equal(parametersOf(google).options, '{"userProject":"123"}');
    const client = { id: "client", secret: new Secret("s3cret") };
    await source(subject, { client, workforceProject: "123" }).acquire(never);
    assert.equal(
      google.requests[1]?.headers.get("authorization"),
      `Basic ${btoa("client:s3cret")}`,
    );
    assert.equal(parametersOf(google, 1).options, undefined);
  }));

Deno.test("federationSource never repeats a token or secret that Google echoes", () =>
  withGoogle(async ({ google, directory, source }) => {
    const file = `${directory}/token`;
    await Deno.writeTextFile(file, SUBJECT);
    const client = { id: "client", secret: new Secret("marked client/secret+") };
    const echo = `${SUBJECT} ${client.secret.reveal()}`;
    google.answer = () => Response.json({ error: "x", error_description: echo }, { status: 400 });
    await failureOf(
      source({ from: "file", file, field: undefined }, { client }).acquire(never),
      [SUBJECT, client.secret.reveal()],
    );
  }));

Deno.test("federationSource changes its fingerprint with pool, subject and client", () =>
  withGoogle(({ source }) => {
    const url = { from: "url", url: "https://a/", headers: {}, field: undefined } as const;
    const prints = [
      source({ from: "file", file: "/a", field: undefined }),
      source({ from: "file", file: "/b", field: undefined }),
      source({ from: "file", file: "/a", field: "a" }),
      source(url),
      source({ ...url, headers: { a: new Secret("b") } }),
      source({ ...url, headers: { a: new Secret("c") } }),
      source(url, { audience: "a" }),
      source(url, { subjectTokenType: "a" }),
      source(url, { tokenEndpoint: "https://b/" }),
      source(url, { client: { id: "a", secret: new Secret("b") } }),
      source(url, { client: { id: "a", secret: new Secret("c") } }),
      source(url, { workforceProject: "a" }),
    ].map(({ fingerprint }) => fingerprint);
    assert.equal(new Set(prints).size, prints.length);
    return Promise.resolve();
  }));
