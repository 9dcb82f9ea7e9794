import assert from "node:assert/strict";
import { keysOf } from "../../../src/credentials/aws/access_keys.ts";
import {
  type WebIdentity,
  webIdentitySource,
} from "../../../src/credentials/aws/web_identity_source.ts";
import type { TokenSource } from "../../../src/credentials/token.ts";
import type { ErrorCode } from "../../../src/errors/catalogue.ts";
import type { FakeService } from "../../fixtures/aws_services.ts";
import { startSts, stsError } from "../../fixtures/aws_sts.ts";
import { failureOf, never, withConnection } from "../source_harness.ts";

/** A token as Kubernetes writes it; its parts are marked. */
const TOKEN = `eyJhbGciOiJSUzI1NiJ9.${btoa('{"sub":"marked"}').replaceAll("=", "")}.c2lnbmF0dXJl`;

async function withSts(
  test: (parts: {
    readonly service: FakeService;
    readonly file: string;
    readonly tokens: Set<string>;
    source(changes?: Partial<WebIdentity>): TokenSource;
  }) => Promise<void>,
): Promise<void> {
  const tokens = new Set([TOKEN]);
  const service = startSts({ webIdentityTokens: tokens });
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, TOKEN);
  try {
    await withConnection([service.url], (connection) => {
      const source = (changes: Partial<WebIdentity> = {}) =>
        webIdentitySource(
          {
            from: "web_identity",
            roleArn: "arn:aws:iam::123456789012:role/Gateway",
            sessionName: "gateway",
            tokenFile: file,
            ...changes,
          },
          `${service.url}/`,
          connection,
        );
      return test({ service, file, tokens, source });
    });
  } finally {
    await service.close();
    await Deno.remove(file);
  }
}

Deno.test("webIdentitySource exchanges the token of the file for keys, unsigned", () =>
  withSts(async ({ service, source }) => {
    const token = await source().acquire(never);
    assert.deepEqual(keysOf(token), service.given[0]);
    assert(Math.abs(token.expiresAtMs - token.issuedAtMs - 3_600_000) < 2000);
  }));

Deno.test("webIdentitySource reads the file each time", () =>
  withSts(async ({ service, file, tokens, source }) => {
    const identity = source();
    await identity.acquire(never);
    tokens.clear();
    tokens.add("renewed");
    await Deno.writeTextFile(file, "renewed\n");
    await identity.acquire(never);
    assert.equal(service.given.length, 2);
  }));

Deno.test("webIdentitySource: an empty or missing file is AUTH-001, and nothing is requested", () =>
  withSts(async ({ service, file, source }) => {
    await Deno.writeTextFile(file, "\n");
    for (const tokenFile of [file, "/nonexistent/token"]) {
      const error = await failureOf(source({ tokenFile }).acquire(never));
      assert.equal(error.code, "AUTH-001");
      assert.match(error.troubleshooting[0] ?? "", /WebIdentityTokenFile/);
    }
    assert.deepEqual(service.requests, []);
  }));

Deno.test("webIdentitySource never repeats a part of the token that the service echoes", () =>
  withSts(async ({ service, file, tokens, source }) => {
    tokens.clear();
    const error = await failureOf(source().acquire(never), [TOKEN, TOKEN.split(".")[1]!]);
    assert.equal(error.code, "AUTH-001");
    assert.match(error.message, /InvalidIdentityToken \(Couldn't retrieve verification key/);
    assert.match(error.troubleshooting[0] ?? "", /OIDC identity provider/);
    const opaque = "opaque/marked+token";
    await Deno.writeTextFile(file, opaque);
    service.answer = () =>
      new Response(`<Error><Code>A</Code><Message>${opaque}</Message></Error>`, { status: 400 });
    await failureOf(source().acquire(never), [opaque]);
  }));

const refusals: readonly (readonly [
  status: number,
  code: string,
  message: string,
  mapped: ErrorCode,
  advice: RegExp,
])[] = [
  [
    400,
    "ExpiredTokenException",
    "Token expired: current date/time 1700000000 must be before the expiration date/time",
    "AUTH-001",
    /web identity has expired/,
  ],
  [
    403,
    "AccessDenied",
    "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    "AUTH-002",
    /trust policy.*WithWebIdentity/,
  ],
  [403, "IDPRejectedClaim", "The claim was rejected", "AUTH-001", /expired nor revoked/],
  [400, "IDPCommunicationError", "Timeout", "AUTH-003", /retried/],
  [403, "RegionDisabledException", "STS is not activated", "AUTH-002", /activate/],
  [400, "Throttling", "Rate exceeded", "AUTH-003", /status page/],
  [503, "ServiceUnavailable", "Try later", "AUTH-003", /status page/],
];
for (const [status, code, message, mapped, advice] of refusals) {
  Deno.test(`webIdentitySource: ${code} is ${mapped}`, () =>
    withSts(async ({ service, source }) => {
      service.answer = () => stsError({ status, code, message });
      const error = await failureOf(source().acquire(never), [TOKEN]);
      assert.equal(error.code, mapped);
      assert.match(error.message, new RegExp(`Security Token Service answered ${status}`));
      assert.match(error.troubleshooting[0] ?? "", advice);
    }));
}

Deno.test("webIdentitySource: a response of another service is TOK-005, a redirect NET-004", () =>
  withSts(async ({ service, source }) => {
    service.answer = () => new Response("<html>Welcome to the hotel's network</html>");
    assert.equal((await failureOf(source().acquire(never))).code, "TOK-005");
    service.answer = () => new Response(null, { status: 301, headers: { location: "/" } });
    assert.equal((await failureOf(source().acquire(never))).code, "NET-004");
  }));

Deno.test("webIdentitySource changes its fingerprint with role, session and file", () =>
  withSts(({ source }) => {
    const prints = [
      source(),
      source({ roleArn: "arn:aws:iam::123456789012:role/Other" }),
      source({ sessionName: "other" }),
      source({ tokenFile: "/other" }),
    ].map(({ fingerprint }) => fingerprint);
    assert.equal(new Set(prints).size, 4);
    return Promise.resolve();
  }));
