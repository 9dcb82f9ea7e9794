import assert from "node:assert/strict";
import type { IdentityService } from "../../../src/config/schemes/azure/azure_platform.ts";
import type { ManagedIdentity } from "../../../src/config/schemes/azure/managed_identity.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { managedIdentitySource } from "../../../src/credentials/azure/managed_identity_source.ts";
import type { TokenSource } from "../../../src/credentials/token.ts";
import type { ErrorCode } from "../../../src/errors/catalogue.ts";
import {
  type FakeIdentityService,
  startAppService,
  startImds,
} from "../../fixtures/azure_identity_services.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { type ConnectionOptions, failureOf, never, withConnection } from "../source_harness.ts";

const RESOURCE = "https://dicom.healthcareapis.azure.com";
/** Marked, so that it is found wherever it should not be. */
const HEADER_ASCII = "marked-secret/853b9a84+header=";
const DAY_SECONDS = 86_400;

type Changes = Partial<Pick<ManagedIdentity, "identity" | "resource">>;

async function withService(
  fake: FakeIdentityService,
  service: IdentityService,
  body: (source: (changes?: Changes) => TokenSource) => Promise<void>,
  options?: ConnectionOptions,
): Promise<void> {
  try {
    await withConnection(
      [fake.url],
      (connection) =>
        body((changes = {}) =>
          managedIdentitySource({
            kind: "azure_managed_identity",
            service,
            resource: RESOURCE,
            identity: undefined,
            refreshBufferMs: 300_000,
            ...changes,
          }, connection)
        ),
      options,
    );
  } finally {
    await fake.close();
  }
}

function vm(fake: FakeIdentityService): IdentityService {
  return { platform: "vm", endpoint: fake.url };
}

function appService(fake: FakeIdentityService, header = "right"): IdentityService {
  return { platform: "appservice", endpoint: fake.url, header: new Secret(header) };
}

Deno.test("managedIdentitySource requests a token as the documentation of the metadata service says", async () => {
  const imds = startImds();
  await withService(imds, vm(imds), async (source) => {
    const token = await source().acquire(never);
    assert.equal(token.value, imds.issued[0]);
    assert.equal(token.type, "Bearer");
    const { url, headers } = imds.requests[0]!;
    assert.equal(headers.get("metadata"), "true");
    assert.deepEqual(Object.fromEntries(url.searchParams), {
      "api-version": "2018-02-01",
      "resource": RESOURCE,
    });
  });
});

Deno.test("managedIdentitySource uses expires_on, not the expires_in of a token issued before", async () => {
  const clock = new FakeClock();
  const imds = startImds({ now: () => clock.now() });
  await withService(imds, vm(imds), async (source) => {
    const first = await source().acquire(never);
    assert.equal(first.expiresAtMs - clock.now(), DAY_SECONDS * 1000);
    await clock.advance(80_000_000);
    const second = await source().acquire(never);
    assert.equal(second.value, first.value);
    assert.equal(second.expiresAtMs, first.expiresAtMs);
    await clock.advance(7_000_000);
    const third = await source().acquire(never);
    assert.notEqual(third.value, first.value);
    assert.equal(third.expiresAtMs - clock.now(), DAY_SECONDS * 1000);
  }, { clock });
});

const identities: readonly (readonly [
  platform: "vm" | "appservice",
  by: "client" | "object" | "resource",
  parameter: string,
])[] = [
  ["vm", "client", "client_id"],
  ["vm", "object", "object_id"],
  ["vm", "resource", "msi_res_id"],
  ["appservice", "client", "client_id"],
  ["appservice", "object", "object_id"],
  ["appservice", "resource", "mi_res_id"],
];
for (const [platform, by, parameter] of identities) {
  Deno.test(`managedIdentitySource names a user-assigned identity by ${by} (${platform})`, async () => {
    const id = by === "resource" ? "/subscriptions/s/resourceGroups/r g/x&y" : "1b4e28ba-2fa1";
    const key = ({ client: "clientId", object: "objectId", resource: "resourceId" } as const)[by];
    const options = { identities: [{ [key]: id }] };
    const fake = platform === "vm"
      ? startImds(options)
      : startAppService({ ...options, header: "right" });
    const service = platform === "vm" ? vm(fake) : appService(fake);
    await withService(fake, service, async (source) => {
      const token = await source({ identity: { by, id } }).acquire(never);
      assert.equal(token.value, fake.issued[0]);
      assert.equal(fake.requests[0]?.url.searchParams.get(parameter), id);
      const other = source({ identity: { by, id: "another" } });
      assert.equal((await failureOf(other.acquire(never))).code, "AUTH-001");
      // The system-assigned identity is not there either.
      assert.equal((await failureOf(source().acquire(never))).code, "AUTH-001");
    });
  });
}

const refusals: readonly (readonly [
  status: number,
  body: unknown,
  code: ErrorCode,
  advice: RegExp,
])[] = [
  [404, "", "AUTH-003", /./],
  [410, "", "AUTH-003", /./],
  [429, { error: "too_many_requests" }, "AUTH-003", /./],
  [500, { error: "unknown", error_description: "Failed to retrieve token" }, "AUTH-003", /./],
  [503, "<html>", "AUTH-003", /./],
  [
    400,
    { error: "invalid_request", error_description: "Identity not found" },
    "AUTH-001",
    /^Azure: assign a managed identity/,
  ],
  [
    400,
    { error: "unauthorized_client", error_description: "The client isn't authorized" },
    "AUTH-001",
    /^Azure: assign a managed identity/,
  ],
  [
    400,
    { error: "invalid_resource", error_description: "AADSTS500011: The resource principal named" },
    "AUTH-002",
    /^Entra: check Scope/,
  ],
  [
    400,
    { error: "bad_request_102", error_description: "Required metadata header" },
    "TOK-001",
    /./,
  ],
  [403, "forbidden", "TOK-001", /./],
  [302, "", "NET-004", /./],
];
for (const [status, body, code, advice] of refusals) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  Deno.test(`managedIdentitySource fails with ${code} for the metadata service's ${status} ${text}`, async () => {
    const imds = startImds();
    imds.answer = () => new Response(text, { status });
    await withService(imds, vm(imds), async (source) => {
      const error = await failureOf(source().acquire(never));
      assert.equal(error.code, code);
      assert.match(error.message, new RegExp(`metadata service answered ${status}`));
      assert.match(error.troubleshooting[0] ?? "", advice);
      assert.equal(imds.requests.length, 1, "asking again is not the source's business");
    });
  });
}

Deno.test("managedIdentitySource honours the Retry-After of a throttling metadata service", async () => {
  const imds = startImds();
  imds.answer = () => new Response("", { status: 429, headers: { "retry-after": "7" } });
  await withService(imds, vm(imds), async (source) => {
    assert.equal((await failureOf(source().acquire(never))).retryAfterSeconds, 7);
  });
});

Deno.test("managedIdentitySource times out, as on a machine that is not Azure's", async () => {
  const imds = startImds();
  let release = () => {};
  imds.answer = () => new Promise((resolve) => release = () => resolve(new Response()));
  await withService(imds, vm(imds), async (source) => {
    const error = await failureOf(source().acquire(never));
    assert.equal(error.code, "NET-001");
    assert.match(error.message, /metadata service did not answer within 50 ms/);
    assert.match(error.troubleshooting[0]!, /does not run on a machine of Azure.*IdentityPlatform/);
    release();
  }, { timeoutMs: 50 });
});

Deno.test("managedIdentitySource reports a wrong clock if a new token has expired already", async () => {
  const clock = new FakeClock();
  const imds = startImds({ now: () => clock.now() - 2 * DAY_SECONDS * 1000 });
  await withService(imds, vm(imds), async (source) => {
    const error = await failureOf(source().acquire(never));
    assert.equal(error.code, "TOK-005");
    assert.match(error.troubleshooting[0] ?? "", /clock/);
  }, { clock });
});

Deno.test("managedIdentitySource sends App Service its header, and reads expires_on only", async () => {
  const clock = new FakeClock();
  const fake = startAppService({ header: HEADER_ASCII, now: () => clock.now(), lifeSeconds: 3600 });
  await withService(fake, appService(fake, HEADER_ASCII), async (source) => {
    const token = await source().acquire(never);
    assert.equal(token.expiresAtMs - clock.now(), 3_600_000);
    assert.equal(fake.requests[0]?.url.searchParams.get("api-version"), "2019-08-01");
    assert(!fake.requests[0]?.headers.has("metadata"));
  }, { clock });
});

Deno.test("managedIdentitySource quotes App Service, but never the header that it echoes", async () => {
  const fake = startAppService({ header: "other" });
  await withService(fake, appService(fake, HEADER_ASCII), async (source) => {
    const refused = await failureOf(source().acquire(never), [HEADER_ASCII]);
    assert.equal(refused.code, "AUTH-001");
    assert.match(refused.message, /App Service identity endpoint answered 401 \(Unauthorized\)/);
    fake.answer = ({ headers }) => {
      const header = headers.get("x-identity-header") ?? "";
      const message = `${header} ${btoa(header)} ${encodeURIComponent(header)}`;
      return Response.json({ statusCode: 400, message }, { status: 400 });
    };
    await failureOf(source().acquire(never), [HEADER_ASCII]);
    fake.answer = () => new Response("{}", { status: 404 });
    assert.equal(
      (await failureOf(source().acquire(never))).code,
      "TOK-001",
      "404 heals on a VM only",
    );
  });
});

Deno.test("managedIdentitySource changes its fingerprint with identity, audience and platform", async () => {
  const imds = startImds();
  await withService(imds, vm(imds), (source) => {
    const variants: Changes[] = [
      {},
      { resource: "https://other" },
      { identity: { by: "client", id: "a" } },
      { identity: { by: "client", id: "b" } },
      { identity: { by: "object", id: "a" } },
    ];
    const prints = variants.map((changes) => source(changes).fingerprint);
    assert.equal(new Set(prints).size, variants.length);
    assert.equal(source().fingerprint, prints[0]);
    return Promise.resolve();
  });
});
