/**
 * The audit trail of a running gateway: its content, its integrity over reloads, crashes and
 * restarts, the behaviour when it cannot be written, and delivery to syslog over TLS.
 */
import assert from "node:assert/strict";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { needing, needingRoot } from "../fixtures/installed_tool.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { startRawOrigin } from "../fixtures/raw_origin.ts";
import { RSYSLOG, syslogServer } from "../fixtures/syslog_server.ts";
import { STORED_REPORT } from "../fixtures/stow_request.ts";
import { RUN_GATEWAY, runCommand } from "../fixtures/gateway_command.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";
import { runProgram } from "../fixtures/run_program.ts";
import { serveLoopback } from "../fixtures/listening.ts";

const KEY = "a key of thirty-two characters or more";
const PATIENT = "MARKED^PATIENT";
const SECRET = "MARKED-SECRET";
/** `printf %s hospital-key | sha256sum` */
const API_KEY = "hospital-key";
const API_KEY_HASH = `sha256:${sha256(API_KEY)}`;

interface Parts {
  /** The section, with an audit trail in a file unless given otherwise. */
  readonly section: (more?: Record<string, unknown>) => Record<string, unknown>;
  readonly file: string;
  readonly directory: string;
  /** The number of requests to the store. */
  readonly seen: () => number;
}

async function withParts(run: (parts: Parts) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-audit-" });
  let seen = 0;
  const store = serveLoopback(async (request) => {
    await request.bytes();
    seen++;
    if (request.method === "POST") return new Response(STORED_REPORT);
    return Response.json([{ "00100010": { vr: "PN", Value: [{ Alphabetic: PATIENT }] } }]);
  });
  const file = `${directory}/trail/audit.jsonl`;
  try {
    await run({
      directory,
      file,
      seen: () => seen,
      section: (more = {}) => ({
        Workers: 2,
        Authentication: {
          ApiKeys: { Header: "X-API-Key", Keys: { orthanc: API_KEY_HASH } },
        },
        Permissions: [{
          Subjects: ["key:orthanc"],
          Transactions: ["query", "retrieve", "store", "manage"],
        }],
        Audit: { File: file, Key: KEY },
        Servers: {
          main: {
            Url: `${store.url}/dicom-web`,
            ProviderType: "headers",
            Headers: { Authorization: `Bearer ${SECRET}` },
          },
        },
        ...more,
      }),
    });
  } finally {
    await store.shutdown();
    await Deno.remove(directory, { recursive: true });
  }
}

async function ask(
  { url }: Pick<GatewayProcess, "url">,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const client = Deno.createHttpClient({});
  const response = await fetch(url + path, {
    ...init,
    client,
    headers: { "x-api-key": API_KEY, ...init.headers },
  });
  const answer = new Response(await response.bytes(), response);
  client.close();
  return answer;
}

// deno-lint-ignore no-explicit-any -- raw records, compared field by field
async function recordsIn(file: string): Promise<any[]> {
  const text = await Deno.readTextFile(file).catch(() => "");
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

async function verify(parts: Parts, ...more: readonly string[]): Promise<[number, string]> {
  const config = `${parts.directory}/verify.json`;
  await Deno.writeTextFile(config, JSON.stringify({ DicomWebOAuth: parts.section() }));
  const args = ["audit", "verify", "--config", config, ...more];
  const { code, output } = await runCommand(args);
  return [code, output];
}

async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !await holds(); tries++) {
    assert(tries < 200, what);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

Deno.test("Audit: requests in progress when the gateway stops are recorded, with and without a response", () =>
  withParts(async ({ section, file }) => {
    const origin = startRawOrigin(async (exchange) => {
      if (exchange.target.endsWith("/3.4")) return exchange.untilGone();
      await exchange.writeHead(200, { "transfer-encoding": "chunked" });
      await exchange.write("3\r\nabc\r\n");
      await exchange.untilGone();
    });
    const server = { Url: origin.url, ProviderType: "headers", Headers: { Authorization: "t" } };
    const gateway = await startGateway(
      section({ DrainTimeoutSeconds: 0.1, Servers: { main: server } }),
    );
    using answered = await RawClient.connect(gateway.url);
    using silent = await RawClient.connect(gateway.url);
    const ask = (client: RawClient, target: string) =>
      client.write(client.head("GET", target, { "x-api-key": API_KEY, "x-request-id": target }));
    await ask(answered, "/dicom-web/main/studies/1.2");
    await answered.answer();
    await ask(silent, "/dicom-web/main/studies/3.4");
    await eventually(() => origin.exchanges === 2, "the store was not contacted");
    await gateway.stop();

    const recorded = (await recordsIn(file)).filter(({ event }) => event === "access")
      .map(({ request_id, outcome, subject, status }) => [request_id, outcome, subject, status]);
    assert.deepEqual(recorded.sort(), [
      ["/dicom-web/main/studies/1.2", "broken off", "key:orthanc", 200],
      ["/dicom-web/main/studies/3.4", "broken off", "key:orthanc", null],
    ]);
    await origin.close();
  }));

Deno.test("Audit: every access, rejection, reload, start and stop is recorded, and no patient or secret", () =>
  withParts(async (parts) => {
    const { section, file } = parts;
    // Records of several workers are in the order of their arrival.
    const gateway = await startGateway(section({ Workers: 1 }));
    const search = `/studies?PatientName=${PATIENT}&00100020=${PATIENT}&${PATIENT}&limit=1`;
    await ask(gateway, `/dicom-web/main${search}`, { headers: { "x-request-id": "a-1" } });
    await ask(gateway, "/dicom-web/main/studies/1.2/series/3.4/instances/5.6");
    await ask(gateway, "/dicom-web/main/studies/1.2", {
      method: "POST",
      body: PATIENT,
      headers: { "content-type": "application/dicom" },
    });
    await ask(gateway, "/dicom-web/main/studies/1.2", { method: "DELETE" });
    await ask(gateway, "/dicom-web/main/studies", { headers: { "x-api-key": "wrong" } });
    await ask(gateway, "/dicomweb-oauth/status");
    await ask(gateway, "/healthz");
    await gateway.writeConfig(section({ Workers: 1 }));
    gateway.signal("SIGHUP");
    await eventually(() => gateway.output().includes("Reloaded"), "it did not reload");
    await gateway.stop();

    const records = await recordsIn(file);
    const recorded = records.map((
      { event, outcome, subject, transaction, status, error_code },
    ) =>
      [event, outcome, subject, transaction, status, error_code].filter((fact) =>
        (fact ?? null) !== null
      )
    );
    assert.deepEqual(
      recorded,
      [
        ["gateway", "started"],
        ["access", "complete", "key:orthanc", "search-studies", 200],
        ["access", "complete", "key:orthanc", "retrieve-instance", 200],
        ["access", "complete", "key:orthanc", "store", 200],
        ["authorization", "refused", "key:orthanc", "delete-study", 403, "AUTH-007"],
        ["authentication", "refused", "anonymous", "search-studies", 401, "AUTH-005"],
        ["management", "complete", "key:orthanc", 200],
        ["gateway", "configuration changed"],
        ["gateway", "stopped"],
      ].map((facts) => facts),
    );
    const [, searched, retrieved, stored] = records;
    assert.deepEqual(searched.parameters, ["PatientName", "00100020", "?", "limit"]);
    assert.equal(searched.request_id, "a-1");
    assert.equal(searched.client, "127.0.0.1");
    assert.deepEqual([retrieved.study, retrieved.series, retrieved.instance], [
      "1.2",
      "3.4",
      "5.6",
    ]);
    assert.equal(stored.bytes_received, PATIENT.length);
    const text = await Deno.readTextFile(file);
    for (const marked of ["MARKED", API_KEY, "wrong"]) assert(!text.includes(marked), marked);
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
    const [code, output] = await verify(parts);
    assert.equal(code, 0, output);
    assert.match(
      output,
      /9 records, 1 to 9\nLast record: --anchor 9:[0-9a-f]{64}\nThe audit trail is intact/,
    );
  }));

Deno.test("Audit: the chain continues after a kill, and verify finds later changes", () =>
  withParts(async (parts) => {
    for (let life = 0; life < 3; life++) {
      const gateway = await startGateway(parts.section());
      for (let i = 0; i < 5; i++) await ask(gateway, "/dicom-web/main/studies");
      const expected = (await recordsIn(parts.file)).length;
      await eventually(
        async () => (await recordsIn(parts.file)).length > expected || expected > life * 6 + 3,
        "nothing is recorded",
      );
      await gateway.stop("SIGKILL");
    }
    const [code, output] = await verify(parts);
    assert.equal(code, 0, output);
    const text = await Deno.readTextFile(parts.file);
    await Deno.writeTextFile(parts.file, text.replace('"status":200', '"status":404'));
    const [codeAfter, outputAfter] = await verify(parts);
    assert.equal(codeAfter, 1);
    assert.match(outputAfter, /audit\.jsonl:2: was modified, or is sealed with another key/);
  }));

Deno.test("Audit: two workers record each request once, over a reload and finished files", () =>
  withParts(async (parts) => {
    const Audit = { File: parts.file, Key: KEY, MaxMegabytes: 0.01 };
    const gateway = await startGateway(parts.section({ Audit }));
    const ids = Array.from({ length: 120 }, (_, i) => `request-${i}`);
    const askAll = (some: readonly string[]) =>
      Promise.all(some.map(async (id) => {
        const headers = { "x-request-id": id };
        assert.equal((await ask(gateway, "/dicom-web/main/studies", { headers })).status, 200);
      }));
    await askAll(ids.slice(0, 40));
    gateway.signal("SIGHUP");
    await askAll(ids.slice(40, 80));
    await eventually(() => gateway.output().includes("Reloaded"), "it did not reload");
    await askAll(ids.slice(80));
    await gateway.stop();
    const files = (await Array.fromAsync(Deno.readDir(`${parts.directory}/trail`)))
      .map(({ name }) => name).filter((name) => /^audit\.jsonl(\.\d+)?$/.test(name));
    assert(files.length > 2, "no file was finished");
    const records = (await Promise.all(
      files.map((name) => recordsIn(`${parts.directory}/trail/${name}`)),
    )).flat();
    const recorded = records.filter(({ event }) => event === "access").map((record) =>
      record.request_id
    );
    assert.deepEqual(recorded.sort(), ids.toSorted());
    const [code, output] = await verify(parts);
    assert.equal(code, 0, output);
    await Deno.remove(`${parts.directory}/trail/${files.sort()[1]}`);
    const [codeAfter, outputAfter] = await verify(parts);
    assert.equal(codeAfter, 1);
    assert.match(outputAfter, /Records 1 to \d+ are missing although files are never removed/);
  }));

Deno.test("Audit: a record that was half written when the gateway was killed is reported, not hidden", () =>
  withParts(async (parts) => {
    const killed = await startGateway(parts.section());
    await eventually(async () => (await recordsIn(parts.file)).length > 0, "nothing is recorded");
    await killed.stop("SIGKILL");
    await Deno.writeTextFile(parts.file, '{"sequence":2,"previous":"', { append: true });
    const [code, output] = await verify(parts);
    assert.equal(code, 1);
    assert.match(output, /audit\.jsonl:2: is cut off/);
    await (await startGateway(parts.section())).stop();
    const records = await recordsIn(parts.file);
    assert.deepEqual(
      records.map(({ sequence, event, outcome }) => [sequence, event, outcome]),
      [[1, "gateway", "started"], [2, "trail", "cut off"], [3, "gateway", "started"], [
        4,
        "gateway",
        "stopped",
      ]],
    );
    const [codeAfter, outputAfter] = await verify(parts);
    assert.equal(codeAfter, 0, outputAfter);
  }));

Deno.test("Audit: standard output receives the records as a chain that can be verified", () =>
  withParts(async (parts) => {
    const Audit = { To: "stdout", Key: KEY };
    const gateway = await startGateway(parts.section({ Audit }));
    for (let i = 0; i < 5; i++) await ask(gateway, "/dicom-web/main/studies");
    await gateway.stop();
    const lines = gateway.output().split("\n").filter((line) => line.startsWith('{"sequence"'));
    assert.deepEqual(lines.map((line) => JSON.parse(line).outcome), [
      "started",
      ...Array(5).fill("complete"),
      "stopped",
    ]);
    const file = `${parts.directory}/captured`;
    await Deno.writeTextFile(file, `${lines.join("\n")}\n`);
    const [code, output] = await verify(parts, file);
    assert.equal(code, 0, output);
  }));

Deno.test("Audit: a failing standard output makes the gateway reject requests", {
  ignore: Deno.build.os !== "linux",
}, () =>
  withParts(async (parts) => {
    const config = `${parts.directory}/gateway.json`;
    await Deno.writeTextFile(
      config,
      JSON.stringify({
        DicomWebOAuth: parts.section({
          Listen: { Address: "127.0.0.1", Port: 0 },
          StateDirectory: `${parts.directory}/state`,
          Audit: { To: "stdout", OnFailure: "refuse" },
        }),
      }),
    );
    const serve = [...RUN_GATEWAY, "serve", "--config", config];
    const child = new Deno.Command("sh", {
      args: ["-c", 'exec "$@" > /dev/full', "sh", Deno.execPath(), ...serve],
      env: { NO_COLOR: "1" },
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let errors = "";
    const collected = (async () => {
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) errors += text;
    })();
    try {
      await eventually(() => errors.includes("Cannot write the audit trail"), "it was not logged");
      const url = () => /listening.*?(https?:\/\/[^\s"/]+)/i.exec(errors)?.[1];
      await eventually(() => url() !== undefined, "it does not listen");
      const answer = await ask({ url: url()! }, "/dicom-web/main/studies");
      assert.equal(answer.status, 503);
      assert.equal((await answer.json()).error_code, "INT-004");
      assert.equal(parts.seen(), 0);
    } finally {
      child.kill("SIGTERM");
      await child.status;
      await collected;
    }
    assert.match(errors, /Audit events were lost/);
  }));

for (const onFailure of ["refuse", "warn"]) {
  Deno.test(needingRoot({
    name: `Audit: a full disk makes the gateway ${onFailure}, and it recovers by itself`,
    ignore: Deno.build.os !== "linux",
    fn: () =>
      withParts(async (parts) => {
        const disk = `${parts.directory}/disk`;
        await Deno.mkdir(disk, { mode: 0o700 });
        await mount("-t", "tmpfs", "-o", "size=256k,mode=0700", "none", disk);
        try {
          const Audit = { File: `${disk}/audit.jsonl`, Key: KEY, OnFailure: onFailure };
          await using gateway = await startGateway(parts.section({ Audit }));
          const search = () => ask(gateway, "/dicom-web/main/studies");
          assert.equal((await search()).status, 200);
          await Deno.writeFile(`${disk}/filler`, new Uint8Array(1e6)).catch(() => {});
          // The rest of the last page has room for some records.
          await eventually(
            async () => {
              await search();
              return gateway.output().includes("Cannot write the audit trail");
            },
            "the failure was not logged",
          );
          const before = parts.seen();
          const refused = await search();
          if (onFailure === "warn") assert.equal(refused.status, 200);
          else {
            assert.equal(refused.status, 503);
            assert.equal((await refused.json()).error_code, "INT-004");
            assert.equal(parts.seen(), before, "the store was contacted nevertheless");
            assert.equal((await ask(gateway, "/dicomweb-oauth/status")).status, 200);
          }
          await Deno.remove(`${disk}/filler`);
          await eventually(
            () => gateway.output().includes("Audit trail recovered"),
            "it did not heal",
          );
          assert.equal((await search()).status, 200);
          await gateway.stop();
          const [code, output] = await verify(parts, `${disk}/audit.jsonl`);
          assert.equal(code, 0, output);
        } finally {
          await mount("--unmount", disk);
        }
      }),
  }));
}

async function mount(...args: readonly string[]): Promise<void> {
  const [program, rest] = args[0] === "--unmount" ? ["umount", args.slice(1)] : ["mount", args];
  const { success, stderr } = await runProgram(program, rest);
  if (!success) throw new Error(stderr);
}

Deno.test(needing(RSYSLOG, {
  name:
    "Audit: rsyslog receives the records over TLS, and the gateway waits for it when it is down",
  fn: () =>
    withParts(async ({ section }) => {
      await using server = await syslogServer();
      const Audit = {
        To: "syslog",
        Key: KEY,
        OnFailure: "refuse",
        Syslog: { Host: "127.0.0.1", Port: server.port, CaFile: server.caFile },
      };
      await using gateway = await startGateway(section({ Audit }));
      await eventually(
        () => gateway.output().includes("Cannot write the audit trail"),
        "that there is no server was not logged",
      );
      assert.equal((await ask(gateway, "/dicom-web/main/studies")).status, 503);
      await server.start();
      await eventually(
        () => gateway.output().includes("Audit trail recovered"),
        "it did not find the server",
      );
      assert.equal((await ask(gateway, "/dicom-web/main/studies")).status, 200);
      await eventually(
        async () => (await server.messages()).some(({ text }) => text.includes('"complete"')),
        "the record did not arrive",
      );
      const [first] = await server.messages();
      assert.equal(first?.priority, "110");
      assert.equal(first?.application, "dicomweb-gateway");
      assert.equal(first?.messageId, "audit");
      assert.equal(JSON.parse(first!.text).outcome, "started");
    }),
}));
