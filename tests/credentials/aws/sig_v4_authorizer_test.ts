import assert from "node:assert/strict";
import type { AwsCredentials } from "../../../src/config/schemes/aws/aws.ts";
import { AwsClock } from "../../../src/credentials/aws/aws_clock.ts";
import { fixedKeys } from "../../../src/credentials/aws/keys_keeper.ts";
import { BodySpool } from "../../../src/credentials/aws/body_spool.ts";
import { systemClock } from "../../../src/network/clock.ts";
import { SigV4Authorizer } from "../../../src/credentials/aws/sig_v4_authorizer.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";
import { startInstanceMetadata } from "../../fixtures/aws_services.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { untilClosed } from "../../fixtures/open_files.ts";
import {
  type ArrivedRequest,
  type KnownKeys,
  refuseSignature,
} from "../../fixtures/sig_v4_verifier.ts";
import {
  ACCESS_KEY_ID,
  SECRET_ACCESS_KEY,
  type SigningOptions,
  withSigning,
} from "./signing_harness.ts";
import { STORED_REPORT } from "../../fixtures/stow_request.ts";

const MIB = 1024 * 1024;
const HOUR = 3_600_000;

interface AwsStore {
  /** AWS's clock. */
  readonly now?: () => number;
  readonly keys?: ReadonlyMap<string, KnownKeys>;
  /** Where refusals have their error code. */
  readonly errorIn?: "header" | "json" | "xml" | "nowhere";
}

/** Verifies signatures and refuses wrong ones as a store of AWS does. */
function awsStore(
  { now = Date.now, keys, errorIn = "header" }: AwsStore = {},
): (request: ArrivedRequest) => Response {
  const known = keys ?? new Map([[ACCESS_KEY_ID, { secretAccessKey: SECRET_ACCESS_KEY }]]);
  return (request) => {
    const scope = { region: "eu-west-1", service: "medical-imaging", keys: known, now };
    const fault = refuseSignature(request, scope);
    const headers = { date: new Date(now()).toUTCString() };
    if (fault === undefined) return new Response(STORED_REPORT, { headers });
    return refusal(fault.code, fault.message, { headers, errorIn });
  };
}

function refusal(
  code: string,
  message: string,
  { headers = {}, errorIn = "header" }: {
    readonly headers?: Record<string, string>;
    readonly errorIn?: AwsStore["errorIn"];
  } = {},
): Response {
  const body = {
    header: JSON.stringify({ message }),
    json: JSON.stringify({ __type: `com.amazon.coral.service#${code}`, message }),
    xml:
      `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
    nowhere: "no",
  }[errorIn];
  const type = { "x-amzn-errortype": `${code}:http://internal.amazon.com/coral/` };
  return new Response(body, {
    status: 403,
    headers: { ...headers, ...(errorIn === "header" && type) },
  });
}

async function failure(promise: Promise<unknown>): Promise<GatewayError> {
  const error = await promise.then(() => undefined, (error: unknown) => error);
  assert(error instanceof GatewayError, `no GatewayError: ${error}`);
  return error;
}

function withoutSecrets(logger: MemoryLogger, ...secrets: readonly string[]): void {
  const text = JSON.stringify(logger.lines);
  for (const secret of [SECRET_ACCESS_KEY, ...secrets]) assert(!text.includes(secret));
}

function body(length: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Blob([new Uint8Array(length).fill(7)]).stream();
}

Deno.test("SigV4Authorizer: the store accepts every kind of request", () =>
  withSigning({ answer: awsStore() }, async ({ send, logger }) => {
    const requests = [
      ["GET", "/studies?PatientName=M%c3%bcller*,+J&limit", null],
      ["POST", "/studies", body(10)],
      ["POST", "/studies", body(3 * MIB)],
      ["DELETE", "/studies/1.2.3", null],
    ] as const;
    for (const [method, target, body] of requests) {
      const response = await send(target, { method, body });
      assert.equal(await response.text(), STORED_REPORT, `${method} ${target}`);
    }
    withoutSecrets(logger);
  }));

for (const errorIn of ["header", "json", "xml", "nowhere"] as const) {
  for (const skewMs of [-2 * HOUR, 6 * 60_000]) {
    Deno.test(`SigV4Authorizer corrects a clock that is ${-skewMs / 1000} s ahead, once (error code: ${errorIn})`, () => {
      const now = () => Date.now() + skewMs;
      return withSigning(
        { answer: awsStore({ now, errorIn }) },
        async ({ arrived, logger, send }) => {
          for (const length of [undefined, 10, 3 * MIB]) {
            const sending = length === undefined ? {} : { method: "POST", body: body(length) };
            const response = await send("/studies", sending);
            assert.equal(await response.text(), STORED_REPORT);
          }
          assert.equal(arrived.length, 4);
          const warnings = logger.lines.filter(({ level }) => level === "warn");
          assert.equal(warnings.length, 1);
          assert(Math.abs(Number(warnings[0]!.fields["skew_seconds"]) - skewMs / 1000) <= 2);
        },
      );
    });
  }
}

Deno.test("SigV4Authorizer: all requests in progress with the wrong clock are repeated", () => {
  const now = () => Date.now() + HOUR;
  return withSigning({ answer: awsStore({ now }) }, async ({ arrived, send, logger }) => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => send("/studies")));
    assert(answers.every(({ status }) => status === 200));
    assert.equal(arrived.length, 40);
    assert.equal(logger.lines.filter(({ level }) => level === "warn").length, 1);
  });
});

Deno.test("SigV4Authorizer repeats a kept body unchanged after correcting the clock", () => {
  const now = () => Date.now() + HOUR;
  return withSigning({ answer: awsStore({ now }) }, async ({ arrived, send, directory }) => {
    const response = await send("/studies", { method: "POST", body: body(3 * MIB) });
    assert.equal(await response.text(), STORED_REPORT);
    assert.equal(arrived.length, 2);
    assert.deepEqual(arrived[0]!.body, arrived[1]!.body);
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  });
});

for (const payloadSigning of ["unsigned", "streaming"] as const) {
  Deno.test(`SigV4Authorizer: a streamed body (${payloadSigning}) is not repeated, but the next one is signed right`, () => {
    const now = () => Date.now() + HOUR;
    const options: SigningOptions = {
      credentials: { payloadSigning },
      answer: awsStore({ now }),
    };
    return withSigning(options, async ({ send }) => {
      const headers = { "content-length": "10" };
      const sending = () => ({ method: "POST", body: body(10), headers });
      const error = await failure(send("/studies", sending()));
      assert.equal(error.code, "TOK-002");
      assert.match(error.message, /\(403\)/);
      assert.equal(await (await send("/studies", sending())).text(), STORED_REPORT);
    });
  });
}

Deno.test("SigV4Authorizer: a refusal for another reason does not change the clock", async () => {
  const answer = () =>
    refusal("AccessDeniedException", "You may not", {
      headers: { date: new Date(Date.now() - HOUR).toUTCString() },
    });
  await withSigning({ answer }, async ({ arrived, send, logger }) => {
    const response = await send("/studies");
    assert.equal(response.status, 403);
    assert.equal(await response.text(), '{"message":"You may not"}');
    assert.equal(arrived.length, 1);
    const [line] = logger.lines.filter(({ level }) => level === "warn");
    assert.equal(line?.message, 'Server "main" rejected a request: AccessDenied');
    assert.match(String(line?.fields["advice"]), /medical-imaging actions/);
  });
});

Deno.test("SigV4Authorizer: a wrong secret stays the store's response, with AWS's advice in the log", () => {
  const keys = new Map([[ACCESS_KEY_ID, { secretAccessKey: "other" }]]);
  return withSigning({ answer: awsStore({ keys, errorIn: "json" }) }, async (parts) => {
    const { arrived, send, logger } = parts;
    const response = await send("/studies");
    assert.equal(response.status, 403);
    assert.match(await response.text(), /SignatureDoesNotMatch/);
    assert.equal(arrived.length, 1);
    assert.match(JSON.stringify(logger.lines), /check SecretAccessKey/);
    withoutSecrets(logger);
  });
});

Deno.test("SigV4Authorizer: a long refusal reaches the client whole", async () => {
  const long = JSON.stringify({ message: "x".repeat(100_000), code: "AccessDenied" });
  await withSigning({ answer: () => new Response(long, { status: 403 }) }, async ({ send }) => {
    assert.equal(await (await send("/studies")).text(), long);
  });
});

/** A store that accepts the keys that an instance issues, until they are removed. */
async function withInstance(
  options: Omit<SigningOptions, "answer" | "urls"> & { readonly lifeMs?: number },
  test: (
    parts: Parameters<Parameters<typeof withSigning>[1]>[0] & {
      readonly known: Map<string, KnownKeys>;
      readonly given: readonly { readonly secretAccessKey: string }[];
    },
  ) => Promise<void>,
): Promise<void> {
  const known = new Map<string, KnownKeys>();
  const now = options.clock === undefined ? Date.now : () => options.clock!.now();
  const instance = startInstanceMetadata({
    now,
    ...(options.lifeMs !== undefined && { lifeMs: options.lifeMs }),
    onGive: ({ accessKeyId, ...keys }) => known.set(accessKeyId, keys),
  });
  const keys: AwsCredentials["keys"] = { from: "instance_metadata", endpoint: instance.url };
  try {
    await withSigning({
      ...options,
      credentials: { keys },
      answer: awsStore({ keys: known, now }),
      urls: [instance.url],
    }, (parts) => test({ ...parts, known, given: instance.given }));
  } finally {
    await instance.close();
  }
}

Deno.test("SigV4Authorizer signs with the keys of the instance, fetched once for many requests", () =>
  withInstance({}, async ({ send, given, logger, authorizer }) => {
    assert.equal(authorizer.describe().hasToken, false);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => send("/studies", { method: "POST", body: body(10) })),
    );
    assert(answers.every(({ status }) => status === 200));
    assert.equal(given.length, 1);
    const status = authorizer.describe();
    assert.equal(status.kind, "aws");
    assert.equal(status.hasToken, true);
    assert.match(status.endpoint ?? "", /^http:\/\/127\.0\.0\.1/);
    assert(Math.abs(status.expiresAtMs! - Date.now() - HOUR) < 5000);
    withoutSecrets(logger, given[0]!.secretAccessKey);
  }));

Deno.test("SigV4Authorizer fetches new keys when the store rejects the old ones, and repeats the body", () =>
  withInstance({}, async ({ send, given, known, arrived }) => {
    await send("/studies");
    known.clear();
    const response = await send("/studies", { method: "POST", body: body(2 * MIB) });
    assert.equal(await response.text(), STORED_REPORT);
    assert.equal(given.length, 2);
    assert.equal(arrived.length, 3);
    // Refused again immediately, the keys are not the reason: no storm of requests for new ones.
    known.clear();
    assert.equal((await send("/studies")).status, 403);
    assert.equal(given.length, 2);
  }));

Deno.test("SigV4Authorizer renews keys before they expire, in the background", async () => {
  const clock = new FakeClock();
  await withInstance({ clock }, async ({ send, given, arrived }) => {
    await send("/studies");
    await clock.advance(HOUR - 300_000 + 1);
    while (given.length < 2) await clock.advance(0);
    // The keys arrive over real sockets.
    while ((await send("/studies")).status === 200) {
      const [first, last] = [arrived[0]!, arrived.at(-1)!].map(({ headers }) =>
        headers.get("authorization")?.match(/Credential=([^/]+)/)?.[1]
      );
      if (first !== last) break;
    }
    assert.equal(given.length, 2);
  });
});

Deno.test("SigV4Authorizer discards keys that an operator revokes; those of the configuration stay", async () => {
  await withInstance({}, async ({ send, given, authorizer }) => {
    await send("/studies");
    await authorizer.forget("revocation-1");
    assert.equal(authorizer.describe().hasToken, false);
    await send("/studies");
    assert.equal(given.length, 2);
    await authorizer.renew();
    assert.equal(given.length, 3);
  });
  await withSigning({ answer: awsStore() }, async ({ send, authorizer }) => {
    await authorizer.forget("revocation-1");
    await authorizer.renew();
    assert.equal((await send("/studies")).status, 200);
    const { hasToken, endpoint, expiresAtMs } = authorizer.describe();
    assert.deepEqual({ hasToken, endpoint, expiresAtMs }, {
      hasToken: true,
      endpoint: undefined,
      expiresAtMs: undefined,
    });
  });
});

Deno.test("SigV4Authorizer: without keys a body is not read", async () => {
  const instance = startInstanceMetadata({ role: null });
  const keys: AwsCredentials["keys"] = { from: "instance_metadata", endpoint: instance.url };
  try {
    await withSigning(
      { credentials: { keys }, urls: [instance.url] },
      async ({ send, arrived }) => {
        let isRead = false;
        const unread = new ReadableStream<Uint8Array<ArrayBuffer>>({
          pull(controller) {
            isRead = true;
            controller.close();
          },
        }, { highWaterMark: 0 });
        const error = await failure(send("/studies", { method: "POST", body: unread }));
        assert.equal(error.code, "AUTH-001");
        assert.equal(isRead, false);
        assert.deepEqual(arrived, []);
      },
    );
  } finally {
    await instance.close();
  }
});

Deno.test("SigV4Authorizer: keys that expire while a body is read leave nothing behind", async () => {
  const directory = await Deno.makeTempDir({ prefix: "signing-test-" });
  const fixed = fixedKeys({ accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY });
  let asked = 0;
  const authorizer = new SigV4Authorizer({
    server: "main",
    region: "eu-west-1",
    service: "medical-imaging",
    payloadSigning: "sha256",
    keeper: {
      ...fixed,
      current: () => undefined,
      token: (signal) =>
        asked++ === 0 ? fixed.token(signal) : Promise.reject(new GatewayError("AUTH-003", "ended")),
    },
    spool: new BodySpool({ directory, server: "main" }),
    awsClock: new AwsClock(systemClock),
    logger: new MemoryLogger(),
  });
  const error = await failure(authorizer.authorize({
    method: "POST",
    url: "https://store.test/studies",
    headers: new Headers(),
    body: body(2 * MIB),
    signal: new AbortController().signal,
  }));
  assert.equal(error.code, "AUTH-003");
  await untilClosed(directory);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("SigV4Authorizer never forwards a client's own AWS headers", () =>
  withSigning({ answer: awsStore() }, async ({ arrived, send }) => {
    const headers = {
      "authorization": "AWS4-HMAC-SHA256 Credential=client",
      "x-amz-security-token": "client",
      "x-amz-date": "20200101T000000Z",
      "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
      "X-Amz-Target": "Service.Operation",
      "x-not-amz": "1",
    };
    assert.equal((await send("/studies", { headers })).status, 200);
    const seen = arrived[0]!.headers;
    assert.equal(seen.get("x-amz-security-token"), null);
    assert.equal(seen.get("x-amz-target"), null);
    assert.match(seen.get("x-amz-content-sha256")!, /^[0-9a-f]{64}$/);
    assert.equal(seen.get("x-not-amz"), "1");
  }));

Deno.test("SigV4Authorizer rejects a query that it cannot sign, and sends nothing", () =>
  withSigning({}, async ({ arrived, send }) => {
    const error = await failure(send("/studies?PatientName=M%FCller"));
    assert.equal(error.code, "NET-005");
    assert(!error.message.includes("ller"));
    assert.deepEqual(arrived, []);
  }));

Deno.test("SigV4Authorizer: a client that disconnects while its body is read leaves nothing behind", () =>
  withSigning({}, async ({ arrived, send, directory }) => {
    const client = new AbortController();
    let given = 0;
    const stalling = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (given === 3 * MIB) {
          setTimeout(() => client.abort(new DOMException("left", "AbortError")), 0);
          return new Promise(() => {});
        }
        controller.enqueue(new Uint8Array(MIB));
        given += MIB;
      },
    }, { highWaterMark: 0 });
    const sending = { method: "POST", body: stalling, signal: client.signal };
    await assert.rejects(send("/studies", sending), { name: "AbortError" });
    assert.deepEqual(arrived, []);
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  }));

Deno.test("SigV4Authorizer: an unreachable store leaves nothing behind", () =>
  withSigning({ isAway: true }, async ({ send, directory }) => {
    const error = await failure(send("/studies", { method: "POST", body: body(3 * MIB) }));
    assert.equal(error.code, "NET-002");
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  }));
