/**
 * `push` with faulty folders and stores. The store of the test returns the given responses.
 */
import assert from "node:assert/strict";
import { CT_IMAGE, dicomFile, newUid } from "../fixtures/dicom_file.ts";
import { type Ended, runCommand, startCommand } from "../fixtures/gateway_command.ts";
import { needingRoot } from "../fixtures/installed_tool.ts";
import { startOidcProvider } from "../fixtures/oidc_provider.ts";

// deno-lint-ignore no-control-regex
const UID_IN_FILE = /\x08\x00\x18\x00UI..([\d.]+)/gs;

/** What a store answers to a request that holds these instances. */
type Answer = (uids: readonly string[], request: number) => Response | Promise<Response>;

interface TestStore extends AsyncDisposable {
  readonly url: string;
  /** The instances of each request that arrived whole. */
  readonly requests: string[][];
}

function startStore(answer: Answer): TestStore {
  const requests: string[][] = [];
  const server = Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      // A request that breaks off.
      onError: () => new Response(null, { status: 500 }),
    },
    async (request) => {
      const text = new TextDecoder("latin1").decode(await request.bytes());
      const uids = [...text.matchAll(UID_IN_FILE)].map(([, uid]) => uid!);
      requests.push(uids);
      return await answer(uids, requests.length);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

type Reasons = Readonly<Record<string, number>>;

/** A report (PS3.18, annex I). */
function report(stored: readonly string[], failed: Reasons = {}, warned: Reasons = {}): Response {
  const item = (uid: string, tag: string, reason?: number) => ({
    "00081155": { vr: "UI", Value: [uid] },
    ...(reason !== undefined && { [tag]: { vr: "US", Value: [reason] } }),
  });
  const failures = Object.entries(failed).map(([uid, reason]) => item(uid, "00081197", reason));
  return Response.json({
    "00081199": { vr: "SQ", Value: stored.map((uid) => item(uid, "00081196", warned[uid])) },
    ...(failures.length > 0 && { "00081198": { vr: "SQ", Value: failures } }),
  }, {
    status: failures.length > 0 ? 202 : 200,
    headers: { "content-type": "application/dicom+json" },
  });
}

const all: Answer = (uids) => report(uids);

function instance(sopInstanceUid: string, number = 1, sopClassUid = CT_IMAGE) {
  return dicomFile({
    sopClassUid,
    sopInstanceUid,
    seriesInstanceUid: "2.25.3",
    studyInstanceUid: "2.25.2",
    instanceNumber: number,
    patientId: "PUSH-2",
    rows: 4,
    columns: 4,
  });
}

interface Place {
  readonly directory: string;
  readonly folder: string;
  /** Writes instances IM0, IM1, … and gives their UIDs. */
  fill(count: number): Promise<string[]>;
  /** Runs a push of the folder. */
  push(...more: string[]): Promise<Ended>;
  readonly args: readonly string[];
}

async function withPlace(
  store: TestStore,
  use: (place: Place) => Promise<void>,
  keys: Readonly<Record<string, string>> = { ProviderType: "none" },
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "push-test-" });
  const folder = `${directory}/images`;
  await Deno.mkdir(folder);
  const config = `${directory}/gateway.json`;
  const main = { Url: store.url, ...keys };
  await Deno.writeTextFile(
    config,
    JSON.stringify({ DicomWebOAuth: { StateDirectory: "state", Servers: { main } } }),
  );
  const args = ["push", folder, "--config", config, "--jobs", "1", "--json"];
  try {
    await use({
      directory,
      folder,
      args,
      push: (...more) => runCommand([...args, ...more]),
      async fill(count) {
        const uids = Array.from({ length: count }, newUid);
        for (const [index, uid] of uids.entries()) {
          await Deno.writeFile(`${folder}/IM${index}`, instance(uid, index));
        }
        return uids;
      },
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const files = (list: readonly { file: string; reason: string }[]) =>
  Object.fromEntries(list.map(({ file, reason }) => [file, reason]));

Deno.test("push sends each instance once, and reports every other file with its reason", async () => {
  await using store = startStore(all);
  await withPlace(store, async ({ folder, push }) => {
    const [nested, doubled, differing] = [newUid(), newUid(), newUid()];
    await Deno.mkdir(`${folder}/a/b`, { recursive: true });
    await Deno.writeFile(`${folder}/a/b/IM1`, instance(nested));
    await Deno.symlink(folder, `${folder}/a/loop`);
    await Deno.writeFile(`${folder}/copy1`, instance(doubled));
    await Deno.writeFile(`${folder}/copy2`, instance(doubled));
    await Deno.writeFile(`${folder}/other1`, instance(differing, 1));
    await Deno.writeFile(`${folder}/other2`, instance(differing, 2));
    await Deno.writeFile(`${folder}/DICOMDIR`, instance(newUid(), 1, "1.2.840.10008.1.3.10"));
    await Deno.writeFile(`${folder}/empty.dcm`, new Uint8Array());
    await Deno.writeTextFile(`${folder}/notes.txt`, "no image");
    await Deno.symlink("nowhere", `${folder}/gone`);
    await Deno.symlink("itself", `${folder}/itself`);

    const { code, stdout, stderr } = await push();
    assert.equal(code, 1, stderr);
    const summary = JSON.parse(stdout);
    assert.deepEqual(store.requests, [[nested, doubled, differing]]);
    assert.equal(summary.stored, 3);
    assert.deepEqual(files(summary.skipped_files), {
      "DICOMDIR": "a DICOMDIR, not an image",
      "a/loop": `a link: the same folder as ${await Deno.realPath(folder)}`,
      "copy2": "the same as copy1",
      "empty.dcm": "the file is empty",
      "notes.txt": "not a DICOM file",
    });
    assert.deepEqual(files(summary.failed_files), {
      "gone": "cannot be read: no such file",
      "itself": "cannot be read: the link leads to itself",
      "other2":
        "another file, other1, contains the same instance with other content; only that one is sent: check which one is correct",
    });
  });
});

Deno.test("push gets the server's token itself, and leaves the cache of a running gateway alone", async () => {
  const provider = await startOidcProvider();
  await using store = startStore(all);
  try {
    await withPlace(store, async ({ directory, fill, push }) => {
      await fill(2);
      const { code, stderr } = await push("--batch", "1");
      assert.equal(code, 0, stderr);
      assert.equal(store.requests.length, 2);
      assert.equal(provider.tokenRequests(), 1);
      for (const { name } of Deno.readDirSync(`${directory}/state`)) {
        assert.doesNotMatch(name, /^tokens/);
      }
    }, { ...provider.serverKeys });
  } finally {
    await provider.close();
  }
});

Deno.test("push follows a link to a folder elsewhere, and says that it sent that folder once", async () => {
  await using store = startStore(all);
  await withPlace(store, async ({ directory, folder, push }) => {
    const uid = newUid();
    await Deno.mkdir(`${directory}/elsewhere`);
    await Deno.writeFile(`${directory}/elsewhere/IM1`, instance(uid));
    await Deno.symlink(`${directory}/elsewhere`, `${folder}/first`);
    await Deno.symlink(`${directory}/elsewhere`, `${folder}/second`);
    const { code, stdout, stderr } = await push();
    assert.equal(code, 0, stderr);
    assert.deepEqual(store.requests, [[uid]]);
    assert.deepEqual(files(JSON.parse(stdout).skipped_files), {
      "second": "a link: the same folder as first",
    });
  });
});

Deno.test("push sends a single file, and nothing else of its folder", async () => {
  await using store = startStore(all);
  await withPlace(store, async ({ folder, fill, args }) => {
    const [, uid] = await fill(3);
    const [command, , ...more] = args;
    const { code, stdout, stderr } = await runCommand([command!, `${folder}/IM1`, ...more]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(store.requests, [[uid]]);
    assert.equal(JSON.parse(stdout).stored, 1);
  });
});

const REFUSALS: readonly (readonly [what: string, answer: () => Response, reason: string])[] = [
  ["text", () => new Response("Unknown\n\x1b[31m tag\n", { status: 400 }), "Unknown [31m tag"],
  [
    "Google's JSON",
    () => Response.json([{ error: { code: 400, message: "invalid UID" } }], { status: 400 }),
    "invalid UID",
  ],
  [
    "problem details",
    () =>
      Response.json({ title: "Bad Request", detail: "no study UID" }, {
        status: 400,
        headers: { "content-type": "application/json" },
      }),
    "no study UID",
  ],
  [
    "Orthanc's JSON",
    () => Response.json({ Message: "Bad file format", HttpStatus: 400 }, { status: 400 }),
    "Bad file format",
  ],
  [
    "a Warning",
    () =>
      new Response(null, { status: 400, headers: { warning: '299 store: "bad transfer syntax"' } }),
    "bad transfer syntax",
  ],
  [
    "a web page",
    () =>
      new Response("<html><title>400 Bad Request</title>…", {
        status: 400,
        headers: { "content-type": "text/html" },
      }),
    "400 Bad Request",
  ],
];

for (const [what, answer, reason] of REFUSALS) {
  Deno.test(`push gives the store's reason for a 400: ${what}`, async () => {
    await using store = startStore(answer);
    await withPlace(store, async ({ fill, push }) => {
      await fill(1);
      const { code, stdout } = await push();
      assert.equal(code, 1);
      assert.deepEqual(files(JSON.parse(stdout).failed_files), {
        "IM0": `the store answered 400: ${reason}`,
      });
    });
  });
}

Deno.test("push sends a bearer token from standard input to a running gateway", async () => {
  const seen: (string | null)[] = [];
  await using gateway = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      seen.push(request.headers.get("authorization"));
      const text = new TextDecoder("latin1").decode(await request.bytes());
      return report([...text.matchAll(UID_IN_FILE)].map(([, uid]) => uid!));
    },
  );
  await using store = startStore(all);
  await withPlace(store, async ({ directory, folder, fill }) => {
    await fill(1);
    const args = ["push", folder, "--server", "main", "--token", "--json"];
    const place = [
      "--url",
      `http://127.0.0.1:${gateway.addr.port}`,
      "--journal",
      `${directory}/journal`,
    ];
    const { code, stderr } = await runCommand([...args, ...place], { stdin: "abc.def-_~+/==\n" });
    assert.equal(code, 0, stderr);
    assert.deepEqual(seen, ["Bearer abc.def-_~+/=="]);
    const refused = await runCommand([...args, ...place], { stdin: "two words\n" });
    assert.equal(refused.code, 64);
    assert.doesNotMatch(refused.stderr, /two words/);
    const alone = await runCommand([...args, "--config", `${directory}/gateway.json`]);
    assert.equal(alone.code, 64);
    assert.match(alone.stderr, /--token requires --url/);
  });
});

Deno.test("push reports that a folder contains nothing to send", async () => {
  await using store = startStore(all);
  await withPlace(store, async ({ folder, directory, push, args }) => {
    const empty = await push();
    assert.equal(empty.code, 1);
    assert.match(empty.stderr, /No DICOM files in/);
    const missing = await runCommand(["push", `${folder}/none`, ...args.slice(2)]);
    assert.equal(missing.code, 64);
    const file = await runCommand(["push", `${directory}/gateway.json`, ...args.slice(2)]);
    assert.equal(file.code, 1);
    assert.deepEqual(files(JSON.parse(file.stdout).skipped_files), {
      "gateway.json": "not a DICOM file",
    });
  });
});

Deno.test("push distinguishes stored, stored with a warning, already there, rejected and unreported instances", async () => {
  let uids: string[] = [];
  await using store = startStore(() =>
    report([uids[0]!, uids[1]!], { [uids[2]!]: 45070, [uids[3]!]: 0x0122 }, { [uids[1]!]: 0xB000 })
  );
  await withPlace(store, async ({ fill, push }) => {
    uids = await fill(5);
    const { code, stdout } = await push();
    assert.equal(code, 1);
    const summary = JSON.parse(stdout);
    assert.deepEqual([summary.stored, summary.already_there, summary.failed], [2, 1, 2]);
    assert.deepEqual(files(summary.warnings), { IM1: "the store coerced attributes (B000)" });
    assert.deepEqual(files(summary.failed_files), {
      IM3: "the store rejected it: SOP class not supported (0122)",
      IM4: "the store rejected it: processing failure (0110)",
    });
    // Only what failed is sent again.
    await push();
    assert.deepEqual(store.requests[1], [uids[3], uids[4]]);
  });
});

Deno.test("push does not count a success without a report as stored", async () => {
  await using store = startStore(() => new Response(null, { status: 200 }));
  await withPlace(store, async ({ fill, push }) => {
    await fill(1);
    const { code, stdout, stderr } = await push("--retries", "0");
    assert.equal(code, 1);
    assert.deepEqual([JSON.parse(stdout).stored, JSON.parse(stdout).ended], [0, "stopped"]);
    assert.match(stderr, /without a report \(NET-009\)/);
  });
});

Deno.test("push stops if the store is down, and resumes where it stopped", async () => {
  let isDown = false;
  await using store = startStore((uids, request) => {
    if (request === 3) isDown = true;
    return isDown ? new Response("down", { status: 503 }) : report(uids);
  });
  await withPlace(store, async ({ fill, push }) => {
    const uids = await fill(10);
    const down = await push("--batch", "2", "--retries", "0");
    assert.equal(down.code, 1);
    assert.equal(JSON.parse(down.stdout).ended, "stopped");
    assert.equal(JSON.parse(down.stdout).stored, 4);
    assert.match(down.stderr, /503/);
    isDown = false;
    store.requests.splice(0, Infinity, [], [], [], []);
    const up = await push("--batch", "2");
    assert.equal(up.code, 0, up.stderr);
    assert.deepEqual(store.requests.flat().toSorted(), uids.slice(4).toSorted());
    assert.equal(JSON.parse(up.stdout).stored_by_earlier_run, 4);
  });
});

Deno.test("push retries after the time of Retry-After", async () => {
  await using store = startStore((uids, request) =>
    request === 1
      ? new Response(null, { status: 503, headers: { "retry-after": "0" } })
      : report(uids)
  );
  await withPlace(store, async ({ fill, push }) => {
    const [uid] = await fill(1);
    const { code, stderr } = await push();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Retrying in 0 s/);
    assert.deepEqual(store.requests, [[uid], [uid]]);
  });
});

Deno.test("push reports a file that changes while it is sent, and stores the others", async () => {
  let change = () => Promise.resolve();
  await using store = startStore(async (uids, request) => {
    if (request > 1) return report(uids);
    await change();
    return new Response(null, { status: 503, headers: { "retry-after": "0" } });
  });
  await withPlace(store, async ({ folder, fill, push }) => {
    const uids = await fill(3);
    change = () => Deno.truncate(`${folder}/IM1`, 300);
    const { code, stdout, stderr } = await push();
    assert.equal(code, 1, stderr);
    assert.deepEqual(files(JSON.parse(stdout).failed_files), { IM1: "changed while it was read" });
    assert.deepEqual(store.requests.at(-1), [uids[0], uids[2]]);
  });
});

Deno.test("push finds the one file that makes a store reject the whole request", async () => {
  let bad = "";
  await using store = startStore((uids) =>
    uids.includes(bad) ? new Response("bad", { status: 400 }) : report(uids)
  );
  await withPlace(store, async ({ fill, push }) => {
    bad = (await fill(9))[4]!;
    const { code, stdout } = await push();
    assert.equal(code, 1);
    assert.equal(JSON.parse(stdout).stored, 8);
    assert.deepEqual(files(JSON.parse(stdout).failed_files), {
      IM4: "the store answered 400: bad",
    });
  });
});

Deno.test("push sends nothing if its journal cannot be written", async () => {
  await using store = startStore(all);
  await withPlace(store, async ({ fill, push, folder }) => {
    await fill(1);
    const { code, stderr } = await push("--journal", `${folder}/IM0/journal`);
    assert.equal(code, 1);
    assert.match(stderr, /Cannot write the journal .*IM0\/journal: (Not a directory|File exists)/);
    assert.deepEqual(store.requests, []);
  });
});

Deno.test(needingRoot({
  name: "push stops if the disk of its journal is full, and loses no instance",
  async fn() {
    await using store = startStore(all);
    await withPlace(store, async ({ fill, push, directory }) => {
      const uids = await fill(60);
      const disk = `${directory}/disk`;
      await Deno.mkdir(disk);
      await run("mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", disk);
      try {
        const full = await push("--journal", `${disk}/journal`, "--batch", "10");
        assert.equal(full.code, 1);
        assert.match(full.stderr, /Stopped: Cannot write the journal.*No space left/);
        await run("mount", "-o", "remount,size=1m", disk);
        const more = await push("--journal", `${disk}/journal`, "--batch", "10");
        assert.equal(more.code, 0, more.stderr);
        assert.equal(new Set(store.requests.flat()).size, uids.length);
        assert.ok(JSON.parse(more.stdout).stored_by_earlier_run > 0);
      } finally {
        await run("umount", disk);
      }
    });
  },
}));

Deno.test("push changes no file that is not its journal, and rejects the journal of another folder", async () => {
  await using store = startStore(() => new Response("down", { status: 503 }));
  await withPlace(store, async ({ fill, push, directory, args }) => {
    await fill(1);
    const precious = `${directory}/precious.txt`;
    await Deno.writeTextFile(precious, "precious\n");
    const refused = await push("--journal", precious, "--fresh");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /is not the journal/);
    assert.equal(await Deno.readTextFile(precious), "precious\n");

    const journal = `${directory}/journal`;
    await push("--journal", journal, "--retries", "0");
    const other = await runCommand(["push", directory, ...args.slice(2), "--journal", journal]);
    assert.equal(other.code, 1);
    assert.match(other.stderr, /is of a push of .*images/);
  });
});

Deno.test("push ignores an incomplete line of its journal", async () => {
  let isDown = false;
  await using store = startStore((uids, request) => {
    isDown = request === 2;
    return isDown ? new Response("down", { status: 503 }) : report(uids);
  });
  await withPlace(store, async ({ fill, push, directory }) => {
    const uids = await fill(3);
    const journal = `${directory}/journal`;
    const args = ["--journal", journal, "--batch", "1", "--retries", "0"];
    await push(...args);
    const text = await Deno.readTextFile(journal);
    await Deno.writeTextFile(journal, text.slice(0, -5));
    const { code, stdout, stderr } = await push(...args);
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).stored, 3);
    assert.deepEqual(store.requests.slice(2).flat().toSorted(), uids.toSorted());
  });
});

Deno.test("push refuses to use the journal of a running push", async () => {
  const arrived = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await using store = startStore(async (uids) => {
    arrived.resolve();
    await release.promise;
    return report(uids);
  });
  await withPlace(store, async ({ fill, push, args }) => {
    await fill(1);
    const one = startCommand(args);
    await arrived.promise;
    const other = await push();
    assert.equal(other.code, 1);
    assert.match(other.stderr, /in use/);
    release.resolve();
    assert.equal((await one.ended).code, 0);
  });
});

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}
