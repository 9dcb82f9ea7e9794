import assert from "node:assert/strict";
import type { TokenSource } from "../../../src/credentials/token.ts";
import { metadataSource } from "../../../src/credentials/google/metadata_source.ts";
import { type GoogleMetadataServer, startGoogleMetadata } from "../../fixtures/google_metadata.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { type ConnectionOptions, failureOf, never, withConnection } from "../source_harness.ts";

const SCOPES = "https://www.googleapis.com/auth/cloud-healthcare email";
const FLAVOR = { "metadata-flavor": "Google" };

async function withMetadata(
  fake: GoogleMetadataServer,
  body: (source: (account?: string, scopes?: string) => TokenSource) => Promise<void>,
  options?: ConnectionOptions,
): Promise<void> {
  try {
    await withConnection(
      [fake.origin],
      (connection) =>
        body((account = "default", scopes = SCOPES) =>
          metadataSource({ type: "metadata", origin: fake.origin, account }, scopes, connection)
        ),
      options,
    );
  } finally {
    await fake.close();
  }
}

Deno.test("metadataSource requests a token as the documentation of the metadata server says", () => {
  const fake = startGoogleMetadata();
  return withMetadata(fake, async (source) => {
    const token = await source().acquire(never);
    assert.equal(token.value, fake.issued[0]);
    const { url, headers } = fake.requests[0]!;
    assert.equal(headers.get("metadata-flavor"), "Google");
    assert.equal(url.pathname, "/computeMetadata/v1/instance/service-accounts/default/token");
    assert.equal(
      url.searchParams.get("scopes"),
      "https://www.googleapis.com/auth/cloud-healthcare,email",
    );
  });
});

Deno.test("metadataSource uses the remaining seconds of a token issued before", async () => {
  const clock = new FakeClock();
  const fake = startGoogleMetadata({ now: () => clock.now() });
  await withMetadata(fake, async (source) => {
    const first = await source().acquire(never);
    await clock.advance(3_000_000);
    const second = await source().acquire(never);
    assert.equal(second.value, first.value);
    assert.equal(second.expiresAtMs - clock.now(), 600_000);
    await clock.advance(400_000);
    assert.notEqual((await source().acquire(never)).value, first.value);
  }, { clock });
});

Deno.test("metadataSource names an attached account, and reports a missing one", () => {
  const account = "gateway@clinic.iam.gserviceaccount.com";
  const fake = startGoogleMetadata({ accounts: [account] });
  return withMetadata(fake, async (source) => {
    assert.equal((await source(account).acquire(never)).value, fake.issued[0]);
    const error = await failureOf(source().acquire(never));
    assert.equal(error.code, "AUTH-001");
    assert.match(error.message, /answered 404: there is no service account default$/);
    assert.match(error.troubleshooting[0] ?? "", /^Google: attach a service account/);
  });
});

Deno.test("metadataSource rejects a response that is not marked as Google's", () => {
  const fake = startGoogleMetadata();
  return withMetadata(fake, async (source) => {
    for (const status of [200, 404, 500]) {
      fake.answer = () => Response.json({ access_token: "ya29.forged" }, { status });
      const error = await failureOf(source().acquire(never), ["ya29.forged"]);
      assert.equal(error.code, "TOK-005");
      assert.match(error.troubleshooting[0] ?? "", /on Google Cloud only/);
    }
  });
});

Deno.test("metadataSource quotes the server and recognises temporary failures", () => {
  const fake = startGoogleMetadata();
  return withMetadata(fake, async (source) => {
    const answers = [
      [500, "internal", "AUTH-003"],
      [429, "slow down", "AUTH-003"],
      [403, "Permission 'iam.serviceAccounts.getAccessToken' denied", "AUTH-002"],
      [400, "Scopes are wrong", "TOK-001"],
    ] as const;
    for (const [status, text, code] of answers) {
      fake.answer = () => new Response(text, { status, headers: FLAVOR });
      const error = await failureOf(source().acquire(never));
      assert.equal(error.code, code);
      assert(error.message.includes(`metadata server answered ${status} (${text})`), error.message);
    }
  });
});

Deno.test("metadataSource times out, as on a machine that is not Google's", async () => {
  const fake = startGoogleMetadata();
  let release = () => {};
  fake.answer = () => new Promise((resolve) => release = () => resolve(new Response()));
  await withMetadata(fake, async (source) => {
    assert.equal((await failureOf(source().acquire(never))).code, "NET-001");
    release();
  }, { timeoutMs: 50 });
});

Deno.test("metadataSource changes its fingerprint with account and scope", () => {
  const fake = startGoogleMetadata();
  return withMetadata(fake, (source) => {
    const prints = [source(), source("a@b"), source("default", "a")].map((one) => one.fingerprint);
    assert.equal(new Set(prints).size, 3);
    return Promise.resolve();
  });
});

Deno.test("metadataSource: no response gets advice for outside Google Cloud", async () => {
  const fake = startGoogleMetadata();
  await fake.close();
  await withConnection([fake.origin], async (connection) => {
    const metadata = { type: "metadata", origin: fake.origin, account: "default" } as const;
    const error = await failureOf(metadataSource(metadata, SCOPES, connection).acquire(never));
    assert.equal(error.code, "AUTH-003");
    assert.match(error.troubleshooting[0]!, /does not run on Google Cloud.*CredentialsFile/);
  });
});
