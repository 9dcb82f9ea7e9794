import assert from "node:assert/strict";
import type { AwsCredentials, AwsRole } from "../../../src/config/schemes/aws/aws.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { keysOf } from "../../../src/credentials/aws/access_keys.ts";
import { AwsClock } from "../../../src/credentials/aws/aws_clock.ts";
import { createKeysSource } from "../../../src/credentials/aws/create_keys_source.ts";
import type { TokenSource } from "../../../src/credentials/token.ts";
import type { ErrorCode } from "../../../src/errors/catalogue.ts";
import { type FakeService, startInstanceMetadata } from "../../fixtures/aws_services.ts";
import { startSts, type StsOptions } from "../../fixtures/aws_sts.ts";
import type { KnownKeys } from "../../fixtures/sig_v4_verifier.ts";
import { failureOf, never, withConnection } from "../source_harness.ts";

const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const EXTERNAL_ID = "clinic/marked+external:id";
const ID = "AKIAIOSFODNN7EXAMPLE";

interface Parts {
  readonly sts: FakeService;
  readonly instance: FakeService;
  readonly known: Map<string, KnownKeys>;
  readonly awsClock: AwsClock;
  source(changes?: Partial<AwsRole>, keys?: AwsCredentials["keys"]): TokenSource;
}

const configured: AwsCredentials["keys"] = {
  from: "configuration",
  accessKeyId: ID,
  secretAccessKey: new Secret(SECRET),
  sessionToken: undefined,
};

async function withRole(
  test: (parts: Parts) => Promise<void>,
  options: Omit<StsOptions, "keys"> = {},
): Promise<void> {
  const known = new Map<string, KnownKeys>([[ID, { secretAccessKey: SECRET }]]);
  const sts = startSts({ externalId: EXTERNAL_ID, keys: known, ...options });
  const instance = startInstanceMetadata({
    onGive: ({ accessKeyId, ...keys }) => known.set(accessKeyId, keys),
  });
  try {
    await withConnection([sts.url, instance.url], (connection) => {
      const awsClock = new AwsClock(connection.clock);
      const source = (changes: Partial<AwsRole> = {}, keys = configured) => {
        const made = createKeysSource(
          {
            keys,
            role: {
              arn: "arn:aws:iam::123456789012:role/Gateway",
              externalId: new Secret(EXTERNAL_ID),
              sessionName: "gateway",
              durationSeconds: 3600,
              ...changes,
            },
            sts: { url: `${sts.url}/`, region: "eu-west-1" },
          },
          connection,
          awsClock,
        );
        assert("acquire" in made);
        return made;
      };
      return test({ sts, instance, known, awsClock, source });
    });
  } finally {
    await sts.close();
    await instance.close();
  }
}

Deno.test("assumedRoleSource assumes a role with configured keys, signed", () =>
  withRole(async ({ sts, source }) => {
    const token = await source().acquire(never);
    assert.deepEqual(keysOf(token), sts.given[0]);
    assert(Math.abs(token.expiresAtMs - token.issuedAtMs - 3_600_000) < 2000);
  }));

Deno.test("assumedRoleSource signs the session token of temporary keys", () =>
  withRole(async ({ sts, known, source }) => {
    known.set(ID, { secretAccessKey: SECRET, sessionToken: "session/token+==" });
    const sessionToken = new Secret("session/token+==");
    const token = await source({}, { ...configured, sessionToken }).acquire(never);
    assert.deepEqual(keysOf(token), sts.given[0]);
  }));

Deno.test("assumedRoleSource assumes a role with the keys of an instance, fetched each time", () =>
  withRole(async ({ sts, instance, source }) => {
    const role = source({}, { from: "instance_metadata", endpoint: instance.url });
    for (const count of [1, 2]) {
      assert.deepEqual(keysOf(await role.acquire(never)), sts.given[count - 1]);
      assert.equal(instance.given.length, count);
    }
  }));

for (const skewMs of [-86_400_000, 360_000, 86_400_000 * 400]) {
  Deno.test(`assumedRoleSource corrects a clock that is wrong by ${-skewMs / 1000} s, once`, () =>
    withRole(async ({ sts, awsClock, source }) => {
      const token = await source().acquire(never);
      assert.equal(sts.requests.length, 2);
      assert(Math.abs(token.expiresAtMs - Date.now() - 3_600_000) < 5000);
      assert(Math.abs(awsClock.now() - Date.now() - skewMs) < 5000);
      await source().acquire(never);
      assert.equal(sts.requests.length, 3);
    }, { now: () => Date.now() + skewMs }));
}

const refusals: readonly (readonly [
  name: string,
  changes: Partial<AwsRole>,
  keys: AwsCredentials["keys"],
  code: ErrorCode,
  state: RegExp,
  advice: RegExp,
])[] = [
  [
    "a wrong secret",
    {},
    { ...configured, secretAccessKey: new Secret("other/marked+secret") },
    "AUTH-001",
    /answered 403 SignatureDoesNotMatch/,
    /check SecretAccessKey/,
  ],
  [
    "an unknown key",
    {},
    { ...configured, accessKeyId: "AKIAUNKNOWN000000000" },
    "AUTH-001",
    /answered 403 UnrecognizedClient/,
    /deactivated or deleted/,
  ],
  [
    "a wrong external ID",
    { externalId: new Secret("wrong") },
    configured,
    "AUTH-002",
    /answered 403 AccessDenied/,
    /ExternalId/,
  ],
  [
    "a duration that the role does not allow",
    { durationSeconds: 7200 },
    configured,
    "TOK-001",
    /answered 400 ValidationError/,
    /lower RoleDurationSeconds/,
  ],
];
for (const [name, changes, keys, code, state, advice] of refusals) {
  Deno.test(`assumedRoleSource: ${name} is ${code}`, () =>
    withRole(async ({ source }) => {
      const error = await failureOf(source(changes, keys).acquire(never), [
        SECRET,
        EXTERNAL_ID,
        "other/marked+secret",
      ]);
      assert.equal(error.code, code);
      assert.match(error.message, state);
      assert.match(error.troubleshooting[0] ?? "", advice);
    }));
}

Deno.test("assumedRoleSource never repeats a secret or signature that the service echoes", () =>
  withRole(async ({ sts, source }) => {
    let signature = "";
    sts.answer = ({ headers }) => {
      signature = headers.get("authorization")?.split("Signature=")[1] ?? "";
      const echo = `${SECRET} ${EXTERNAL_ID} ${signature}`;
      return new Response(`<Error><Code>A</Code><Message>${echo}</Message></Error>`, {
        status: 400,
      });
    };
    const error = await failureOf(source().acquire(never), [SECRET, EXTERNAL_ID]);
    assert.match(signature, /^\w{64}$/);
    assert(!error.message.includes(signature));
  }));

Deno.test("assumedRoleSource changes its fingerprint with everything that its keys depend on", () =>
  withRole(({ source }) => {
    const sources = [
      source(),
      source({ arn: "arn:aws:iam::123456789012:role/Other" }),
      source({ externalId: undefined }),
      source({ externalId: new Secret("other") }),
      source({ sessionName: "other" }),
      source({ durationSeconds: 900 }),
      source({}, { ...configured, accessKeyId: "AKIAOTHER00000000000" }),
      source({}, { ...configured, secretAccessKey: new Secret("other") }),
      source({}, { from: "instance_metadata", endpoint: "http://169.254.169.254" }),
    ];
    assert.equal(new Set(sources.map(({ fingerprint }) => fingerprint)).size, sources.length);
    assert.equal(source().fingerprint, sources[0]!.fingerprint);
    return Promise.resolve();
  }));
