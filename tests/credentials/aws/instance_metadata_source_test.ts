import assert from "node:assert/strict";
import { keysOf } from "../../../src/credentials/aws/access_keys.ts";
import { instanceMetadataSource } from "../../../src/credentials/aws/instance_metadata_source.ts";
import type { TokenSource } from "../../../src/credentials/token.ts";
import type { ErrorCode } from "../../../src/errors/catalogue.ts";
import {
  type FakeService,
  type InstanceMetadataOptions,
  startInstanceMetadata,
} from "../../fixtures/aws_services.ts";
import { type ConnectionOptions, failureOf, never, withConnection } from "../source_harness.ts";

async function withInstance(
  test: (service: FakeService, source: TokenSource) => Promise<void>,
  options: InstanceMetadataOptions & ConnectionOptions = {},
): Promise<void> {
  const service = startInstanceMetadata(options);
  try {
    await withConnection(
      [service.url],
      (connection) => test(service, instanceMetadataSource(service.url, connection)),
      options,
    );
  } finally {
    await service.close();
  }
}

Deno.test("instanceMetadataSource gets the keys of the instance's role in a session of version 2", () =>
  withInstance(async (service, source) => {
    const token = await source.acquire(never);
    assert.deepEqual(keysOf(token), service.given[0]);
    assert.equal(token.type, "AWS");
    assert(Math.abs(token.expiresAtMs - token.issuedAtMs - 3_600_000) < 2000);
    assert.deepEqual(service.requests, [
      "PUT /latest/api/token",
      "GET /latest/meta-data/iam/security-credentials/",
      "GET /latest/meta-data/iam/security-credentials/GatewayRole",
    ]);
  }));

Deno.test("instanceMetadataSource asks for a role of any name that AWS allows", () =>
  withInstance(async (service, source) => {
    assert.deepEqual(keysOf(await source.acquire(never)), service.given[0]);
  }, { role: "Gateway+Role=1,@x.y-z" }));

Deno.test("instanceMetadataSource never falls back to version 1", () =>
  withInstance(async (service, source) => {
    service.answer = () => new Response("not found", { status: 404 });
    await failureOf(source.acquire(never));
    assert.deepEqual(service.requests, ["PUT /latest/api/token"]);
  }));

Deno.test("instanceMetadataSource: the life of keys does not depend on the gateway's clock", async () => {
  const now = () => Date.now() - 86_400_000;
  await withInstance(async (_service, source) => {
    const token = await source.acquire(never);
    assert(Math.abs(token.expiresAtMs - Date.now() - 3_600_000) < 5000);
  }, { now });
});

Deno.test("instanceMetadataSource: expired keys are used for a while: the service has no newer ones", () =>
  withInstance(async (_service, source) => {
    const token = await source.acquire(never);
    assert.equal(token.expiresAtMs - token.issuedAtMs, 600_000);
  }, { lifeMs: -60_000 }));

const roleless = { role: null };
const refusals: readonly (readonly [
  name: string,
  options: InstanceMetadataOptions,
  answer: ((request: Request) => Response) | undefined,
  code: ErrorCode,
  state: RegExp,
  advice: RegExp,
])[] = [
  ["no role", roleless, undefined, "AUTH-001", /answered 404/, /attach an IAM role/],
  [
    "the service turned off",
    {},
    () => new Response("Forbidden", { status: 403 }),
    "AUTH-001",
    /answered 403/,
    /http-endpoint/,
  ],
  [
    "a role that cannot be assumed",
    {},
    ({ url, method }) => {
      if (method === "PUT") return new Response("session");
      return new Response(
        url.endsWith("/") ? "Gateway" : JSON.stringify({
          Code: "AssumeRoleUnauthorizedAccess",
          Message: "EC2 cannot assume the role Gateway.",
        }),
      );
    },
    "AUTH-001",
    /AssumeRoleUnauthorizedAccess \(EC2 cannot assume the role Gateway\.\)/,
    /attach an IAM role/,
  ],
  [
    "a busy service",
    {},
    () => new Response("", { status: 503 }),
    "AUTH-003",
    /answered 503/,
    /status page/,
  ],
  [
    "a redirect",
    {},
    () => new Response(null, { status: 302, headers: { location: "http://evil.example/" } }),
    "NET-004",
    /a redirect/,
    /./,
  ],
  [
    "an answer that names no role",
    {},
    () => new Response("<html>"),
    "TOK-005",
    /names no role/,
    /./,
  ],
  [
    "an answer without keys",
    {},
    ({ url }) => new Response(url.endsWith("/Role") ? '{"Code":"Success"}' : "Role"),
    "TOK-005",
    /no usable keys/,
    /aws_signing_helper/,
  ],
];
for (const [name, options, answer, code, state, advice] of refusals) {
  Deno.test(`instanceMetadataSource: ${name} is ${code}`, () =>
    withInstance(async (service, source) => {
      service.answer = answer;
      const error = await failureOf(source.acquire(never));
      assert.equal(error.code, code);
      assert.match(error.message, /EC2 instance metadata service/);
      assert.match(error.message, state);
      assert.match(error.troubleshooting[0] ?? "", advice);
    }, options));
}

Deno.test("instanceMetadataSource: no response gets advice for outside EC2 and for containers", async () => {
  const service = startInstanceMetadata();
  await service.close();
  await withConnection([service.url], async (connection) => {
    const source = instanceMetadataSource(service.url, connection);
    const error = await failureOf(source.acquire(never));
    assert.equal(error.code, "AUTH-003");
    assert.match(error.troubleshooting.join("\n"), /does not run on EC2.*hop-limit 2/s);
  });
  await withInstance(async (service, source) => {
    service.answer = () => new Promise(() => {});
    const error = await failureOf(source.acquire(never));
    assert.equal(error.code, "NET-001");
    assert.match(error.troubleshooting[0] ?? "", /does not run on EC2/);
  }, { timeoutMs: 50 });
});

Deno.test("instanceMetadataSource rejects with the signal's reason", () =>
  withInstance(async (service, source) => {
    const abort = new AbortController();
    service.answer = () => {
      abort.abort(new Error("closing"));
      return new Promise(() => {});
    };
    await assert.rejects(source.acquire(abort.signal), { message: "closing" });
  }));
