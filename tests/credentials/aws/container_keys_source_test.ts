import assert from "node:assert/strict";
import { Secret } from "../../../src/config/values/secret.ts";
import { keysOf } from "../../../src/credentials/aws/access_keys.ts";
import {
  type ContainerKeys,
  containerKeysSource,
} from "../../../src/credentials/aws/container_keys_source.ts";
import type { TokenSource } from "../../../src/credentials/token.ts";
import type { ErrorCode } from "../../../src/errors/catalogue.ts";
import {
  type ContainerEndpointOptions,
  type FakeService,
  startContainerEndpoint,
} from "../../fixtures/aws_services.ts";
import { failureOf, never, withConnection } from "../source_harness.ts";

const PATH = "/v2/credentials?id=1234";
const TOKEN = "eks-token-marked-secret";

async function withContainer(
  test: (
    service: FakeService,
    source: (changes?: Partial<ContainerKeys>) => TokenSource,
  ) => Promise<void>,
  options: Partial<ContainerEndpointOptions> = {},
): Promise<void> {
  const service = startContainerEndpoint({ path: PATH, ...options });
  try {
    await withConnection([service.url], (connection) =>
      test(
        service,
        (changes = {}) =>
          containerKeysSource({
            from: "container",
            url: service.url + PATH,
            authorization: undefined,
            ...changes,
          }, connection),
      ));
  } finally {
    await service.close();
  }
}

Deno.test("containerKeysSource gets the keys of an ECS task", () =>
  withContainer(async (service, source) => {
    const token = await source().acquire(never);
    assert.deepEqual(keysOf(token), service.given[0]);
    assert(Math.abs(token.expiresAtMs - token.issuedAtMs - 3_600_000) < 2000);
    assert.equal(source().endpoint, `${service.url}/v2/credentials`);
  }));

Deno.test("containerKeysSource sends the token of the environment", () =>
  withContainer(async (service, source) => {
    const authorization = { value: new Secret(TOKEN) };
    const token = await source({ authorization }).acquire(never);
    assert.deepEqual(keysOf(token), service.given[0]);
  }, { authorization: () => TOKEN }));

Deno.test("containerKeysSource reads the token's file each time", async () => {
  const file = await Deno.makeTempFile();
  let expected = "";
  await withContainer(async (service, source) => {
    const eks = source({ authorization: { file } });
    for (const token of ["first", "second"]) {
      expected = token;
      await Deno.writeTextFile(file, `${token}\n`);
      await eks.acquire(never);
    }
    assert.equal(service.given.length, 2);
  }, { authorization: () => expected });
  await Deno.remove(file);
});

Deno.test("containerKeysSource: a missing token file is AUTH-001, and nothing is requested", () =>
  withContainer(async (service, source) => {
    const error = await failureOf(
      source({ authorization: { file: "/nonexistent/token" } }).acquire(never),
    );
    assert.equal(error.code, "AUTH-001");
    assert.match(error.message, /\/nonexistent\/token cannot be read: no such file/);
    assert.match(error.troubleshooting[0] ?? "", /AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE/);
    assert.deepEqual(service.requests, []);
  }));

Deno.test("containerKeysSource: a token with a line break in it is not sent", () =>
  withContainer(async (service, source) => {
    const authorization = { value: new Secret(`${TOKEN}\r\nx-evil: 1`) };
    const error = await failureOf(source({ authorization }).acquire(never), [TOKEN]);
    assert.equal(error.code, "AUTH-001");
    assert.deepEqual(service.requests, []);
  }));

const rows: readonly (readonly [status: number, code: ErrorCode, advice: RegExp])[] = [
  [400, "AUTH-001", /Pod Identity association/],
  [401, "AUTH-001", /token file of the pod/],
  [403, "AUTH-001", /pods\.eks\.amazonaws\.com/],
  [404, "AUTH-001", /task role/],
  [429, "AUTH-003", /status page/],
  [500, "AUTH-003", /status page/],
  [302, "NET-004", /./],
  [418, "TOK-001", /./],
];
for (const [status, code, advice] of rows) {
  Deno.test(`containerKeysSource: status ${status} is ${code}`, () =>
    withContainer(async (service, source) => {
      service.answer = (request) =>
        Response.json(
          { code: "Marked", message: `refused ${request.headers.get("authorization")}` },
          { status, headers: { location: "/" } },
        );
      const authorization = { value: new Secret(TOKEN) };
      const error = await failureOf(source({ authorization }).acquire(never), [TOKEN]);
      assert.equal(error.code, code);
      assert.match(error.message, new RegExp(`container credentials endpoint answered ${status}`));
      assert.match(error.troubleshooting[0] ?? "", advice);
    }));
}

Deno.test("containerKeysSource changes its fingerprint with the endpoint", () =>
  withContainer((_service, source) => {
    const other = source({ url: "http://169.254.170.2/other" });
    assert.notEqual(other.fingerprint, source().fingerprint);
    assert.equal(source().fingerprint, source().fingerprint);
    return Promise.resolve();
  }));
