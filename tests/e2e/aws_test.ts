/**
 * The gateway in its sandbox before an AWS store: keys of a web identity and of a role, the
 * identity's file renewed like by Kubernetes, bodies spooled in the state directory.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { startSts } from "../fixtures/aws_sts.ts";
import { within } from "../fixtures/deadline.ts";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { openFiles, untilClosed } from "../fixtures/open_files.ts";
import { memoryRise } from "../fixtures/memory_watch.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { type RawExchange, startRawOrigin } from "../fixtures/raw_origin.ts";
import { type KnownKeys, refuseSignature } from "../fixtures/sig_v4_verifier.ts";
import { noteIn, reportWith } from "../fixtures/stow_request.ts";

const MIB = 1024 * 1024;
const PIECE = crypto.getRandomValues(new Uint8Array(64 * 1024));
const CHUNK = new Uint8Array([
  ...new TextEncoder().encode(`${PIECE.length.toString(16)}\r\n`),
  ...PIECE,
  ...new TextEncoder().encode("\r\n"),
]);
const LIMIT_MS = 60_000;

interface Parts {
  readonly gateway: GatewayProcess;
  readonly stateDirectory: string;
  /** The directory where Kubernetes would mount the token. */
  readonly mount: string;
  readonly known: Map<string, KnownKeys>;
  readonly webIdentityTokens: Set<string>;
  play(handler: (exchange: RawExchange) => Promise<void>): void;
}

/** A gateway with a web identity, a role on top of it, and a store that verifies signatures. */
async function withGateway(test: (parts: Parts) => Promise<void>): Promise<void> {
  const known = new Map<string, KnownKeys>();
  const webIdentityTokens = new Set(["web-identity-first"]);
  const sts = startSts({
    keys: known,
    webIdentityTokens,
    externalId: "clinic",
    onGive: ({ accessKeyId, ...keys }) => known.set(accessKeyId, keys),
  });
  const origin = startRawOrigin((exchange) => checkAndCount(exchange, known));
  const stateDirectory = await Deno.makeTempDir({ prefix: "aws-test-state-" });
  const mount = await Deno.makeTempDir({ prefix: "aws-test-mount-" });
  await mountToken(mount, "web-identity-first");
  try {
    await using gateway = await startGateway({
      LogLevel: "DEBUG",
      // What is left in the state directory then is left by bodies.
      TokenCache: { Backend: "memory" },
      Servers: {
        main: {
          Url: `${origin.url}/datastore/0123`,
          ProviderType: "aws",
          Region: "eu-west-1",
          StsEndpoint: sts.url,
          RoleArn: "arn:aws:iam::123456789012:role/Store",
          ExternalId: "clinic",
        },
      },
    }, {
      stateDirectory,
      env: {
        AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/Pod",
        AWS_WEB_IDENTITY_TOKEN_FILE: `${mount}/token`,
      },
    });
    await test({ gateway, stateDirectory, mount, known, webIdentityTokens, play: origin.play });
    const secrets = sts.given.flatMap((keys) => [keys.secretAccessKey, keys.sessionToken]);
    for (const secret of [...secrets, "web-identity-first", "web-identity-second"]) {
      for (const form of [secret, encodeURIComponent(secret), btoa(secret)]) {
        assert(!gateway.output().includes(form), "the log tells a secret");
      }
    }
  } finally {
    await origin.close();
    await sts.close();
    await Deno.remove(stateDirectory, { recursive: true });
    await Deno.remove(mount, { recursive: true });
  }
}

/**
 * Writes like Kubernetes to a projected volume: a link to a link to a directory that is replaced.
 */
async function mountToken(mount: string, token: string): Promise<void> {
  const version = `..${crypto.randomUUID()}`;
  await Deno.mkdir(`${mount}/${version}`);
  await Deno.writeTextFile(`${mount}/${version}/token`, token);
  await Deno.symlink(version, `${mount}/..data_tmp`);
  await Deno.rename(`${mount}/..data_tmp`, `${mount}/..data`);
  await Deno.symlink("..data/token", `${mount}/token`).catch(() => {});
}

/** Verifies the signature like AWS, without keeping the body. */
async function checkAndCount(
  exchange: RawExchange,
  known: ReadonlyMap<string, KnownKeys>,
): Promise<void> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of exchange.body()) {
    hash.update(piece);
    bytes += piece.length;
  }
  const sha256 = hash.digest("hex");
  const { method, target, headers } = exchange;
  const fault = refuseSignature(
    { method, url: `http://store${target}`, headers, body: { sha256 } },
    { region: "eu-west-1", service: "medical-imaging", keys: known, now: Date.now },
  );
  if (fault !== undefined) {
    await exchange.answer(fault.status, fault.message, { "x-amzn-errortype": fault.code });
  } else {
    await exchange.answer(200, reportWith(`${bytes} ${sha256} ${headers.get("content-length")}`));
  }
}

/** Sends a chunked body. */
async function store(gateway: GatewayProcess, pieces: number): Promise<string> {
  using client = await RawClient.connect(gateway.url);
  const headers = { "content-type": "application/dicom", "transfer-encoding": "chunked" };
  const sent = (async () => {
    await client.write(client.head("POST", "/dicom-web/main/studies", headers));
    for (let count = 0; count < pieces; count++) await client.write(CHUNK);
    await client.write("0\r\n\r\n");
  })();
  sent.catch(() => {});
  const { status, text } = await within(LIMIT_MS, "an answer", client.answerText());
  return `${status} ${noteIn(text)}`;
}

function stored(pieces: number): string {
  const hash = createHash("sha256");
  for (let count = 0; count < pieces; count++) hash.update(PIECE);
  const bytes = pieces * PIECE.length;
  return `200 ${bytes} ${hash.digest("hex")} ${bytes}`;
}

async function assertNothingLeft({ gateway, stateDirectory }: Parts): Promise<void> {
  await untilClosed(stateDirectory, gateway.pid);
  assert.deepEqual([...Deno.readDirSync(stateDirectory)], []);
}

Deno.test("A sandboxed gateway stores at AWS, with a role on top of a web identity", () =>
  withGateway(async (parts) => {
    const { gateway, mount, webIdentityTokens, play, known, stateDirectory } = parts;
    const query = "/dicom-web/main/studies?PatientName=M%c3%bcller*,%20J&limit";
    const found = await fetch(gateway.url + query);
    assert.equal(found.status, 200, await found.text());

    // A small body, one that needs the state directory, and one far larger than the memory limit.
    for (const pieces of [1, 17, 33]) assert.equal(await store(gateway, pieces), stored(pieces));
    const rise = await memoryRise(gateway, async () => {
      assert.equal(await store(gateway, 8192), stored(8192));
    });
    assert(rise < 128 * MIB, `512 MiB raise memory by ${Math.round(rise / MIB)} MiB`);
    await assertNothingLeft(parts);

    // The token of the web identity is replaced while the gateway runs.
    webIdentityTokens.clear();
    webIdentityTokens.add("web-identity-second");
    await mountToken(mount, "web-identity-second");
    const tested = await fetch(`${gateway.url}/dicomweb-oauth/servers/main/test`, {
      method: "POST",
    });
    assert.equal(tested.status, 200, await tested.text());

    // A client that disconnects in the middle of a body.
    {
      using client = await RawClient.connect(gateway.url);
      const headers = { "transfer-encoding": "chunked" };
      await client.write(client.head("POST", "/dicom-web/main/studies", headers));
      for (let count = 0; count < 64; count++) await client.write(CHUNK);
      const opened = Date.now() + 5_000;
      while (openFiles(stateDirectory, gateway.pid).length === 0 && Date.now() < opened) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const [file] = openFiles(stateDirectory, gateway.pid);
      assert.match(file?.path ?? "", /spool-[0-9a-f-]+ \(deleted\)$/);
    }
    await assertNothingLeft(parts);

    // A store that responds before it has read the body, then reads no more.
    play(async (exchange) => {
      await exchange.answer(413, "early", { connection: "close" });
      await exchange.lingeringClose();
    });
    assert.equal(await store(gateway, 1024), "413 early");
    await assertNothingLeft(parts);

    // A store that closes the connection in the middle of it.
    play(async (exchange) => {
      await exchange.body().next();
      exchange.close();
    });
    assert.match(await store(gateway, 64), /^502 .*NET-002/s);
    await assertNothingLeft(parts);

    play((exchange) => checkAndCount(exchange, known));
    const many = await Promise.all(Array.from({ length: 16 }, () => store(gateway, 40)));
    assert.deepEqual(new Set(many), new Set([stored(40)]));
    await assertNothingLeft(parts);
  }));
