import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { ProbeOrders } from "../fixtures/probe_worker.ts";
import { START_FLAGS } from "../../deploy/deno_flags.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROCESS = fileURLToPath(new URL("../fixtures/sandbox_process.ts", import.meta.url));
const VARIABLE = "DICOMWEB_GATEWAY_TEST_SECRET";

/** What fails otherwise than by a permission that is not granted. */
const REFUSALS: Readonly<Record<string, string>> = {
  // Deno reports a denied import differently.
  "import from elsewhere": "TypeError",
  "attach a file to a database in memory": "Error",
  "preopen a directory by node:wasi": "Error",
  "keep something in localStorage": "TypeError",
};

interface Bench extends AsyncDisposable {
  readonly directory: string;
  /** Starts a process that starts the worker. */
  probe(mode?: "loose"): Promise<Record<string, string>>;
  /** @returns Names of all files that processes left in the directory for temporary files. */
  leftBehind(): string[];
}

async function startBench(): Promise<Bench> {
  const directory = await Deno.makeTempDir();
  const stateDirectory = `${directory}/state`;
  for (const name of ["state", "temporary"]) await Deno.mkdir(`${directory}/${name}`);
  await Deno.writeTextFile(`${directory}/outside`, "unchanged");
  const servers = [1, 2].map(() =>
    Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response("export {}", { headers: { "content-type": "text/javascript" } }),
    )
  );
  const [allowedHost = "", otherHost = ""] = servers.map((server) =>
    `http://127.0.0.1:${server.addr.port}`
  );
  const orders: ProbeOrders & { stateDirectory: string } = {
    allowedHost,
    otherHost,
    outsideFile: `${directory}/outside`,
    insideFile: `${stateDirectory}/inside`,
    variable: VARIABLE,
    stateDirectory,
  };
  return {
    directory,
    async probe(mode) {
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", ...START_FLAGS, PROCESS, JSON.stringify(orders), ...(mode ? [mode] : [])],
        cwd: ROOT,
        env: { [VARIABLE]: "a secret", TMPDIR: `${directory}/temporary` },
      }).output();
      const [text, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assert.notEqual(text, "", errors);
      return JSON.parse(text!);
    },
    leftBehind: () => [...Deno.readDirSync(`${directory}/temporary`)].map(({ name }) => name),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server.shutdown()));
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test("sandbox: a worker reaches its hosts and its state directory, and nothing else", async () => {
  await using bench = await startBench();
  const outcomes = await bench.probe();
  const {
    "contact an allowed host": contact,
    "write in the state directory": write,
    ...refused
  } = outcomes;
  assert.equal(contact, "done", "the probe shows nothing if it cannot do what is allowed");
  assert.equal(write, "done", "the probe shows nothing if it cannot do what is allowed");
  for (const [attempt, outcome] of Object.entries(refused)) {
    if (
      attempt.startsWith("find ") || attempt.endsWith("thread") || attempt.includes("thread of")
    ) {
      assert.equal(outcome, "done", attempt);
    } else assert.equal(outcome, REFUSALS[attempt] ?? "NotCapable", `it was able to ${attempt}`);
  }
  assert.equal(Object.keys(refused).length, 41);
  assert.equal(await Deno.readTextFile(`${bench.directory}/outside`), "unchanged");
});

Deno.test("sandbox: a worker leaves nothing on the disk that a later process could read", async () => {
  await using bench = await startBench();
  await bench.probe();
  assert.deepEqual(bench.leftBehind(), []);
});

Deno.test("sandbox: an unsealed process leaves a cache on the disk and exposes its variables", async () => {
  await using bench = await startBench();
  const outcomes = await bench.probe("loose");
  // Shows that the probe of the other tests would find a hole.
  assert.equal(outcomes["keep a cache in a thread of node:worker_threads"], "Error");
  assert.equal(outcomes["read a variable in such a thread"], "Error");
  assert.deepEqual(bench.leftBehind(), ["deno_cache"]);
});

Deno.test("sandbox: nothing is imported in a worker before it is sealed", async () => {
  const source = await Deno.readTextFile(`${ROOT}/src/runtime/worker.ts`);
  const [first] = /^(?:import|export) .*$/m.exec(source) ?? [];
  assert.equal(first, 'import "./sealed_globals.ts";');
  const sealing = await Deno.readTextFile(`${ROOT}/src/runtime/sealed_globals.ts`);
  assert.doesNotMatch(sealing, /^import /m);
});

Deno.test("sandbox: a worker requests packages from the registry whatever its permissions, unless it runs with cached ones only", async () => {
  const directory = await Deno.makeTempDir();
  const asked: string[] = [];
  const registry = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    asked.push(new URL(request.url).pathname);
    return new Response(null, { status: 404 });
  });
  const inner = 'await import("npm:" + "stolen").catch(() => {}); close();';
  const source = `new Worker(${
    JSON.stringify(`data:text/javascript,${encodeURIComponent(inner)}`)
  }, {
    type: "module",
    deno: { permissions: "none" },
  });`;
  await Deno.writeTextFile(`${directory}/main.js`, source);
  const run = async (...flags: string[]) => {
    await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--unstable-worker-options", ...flags, "main.js"],
      cwd: directory,
      env: {
        DENO_DIR: `${directory}/deno`,
        NPM_CONFIG_REGISTRY: `http://127.0.0.1:${registry.addr.port}/`,
        NO_PROXY: "127.0.0.1",
      },
    }).output();
    return asked.splice(0);
  };
  assert.deepEqual(await run(), ["/stolen"], "the limit in the threat model no longer exists");
  assert.deepEqual(await run("--cached-only"), []);
  await registry.shutdown();
  await Deno.remove(directory, { recursive: true });
});

for (const file of ["docker/Dockerfile", "deploy/systemd/deno.conf"]) {
  Deno.test(`sandbox: ${file} starts the gateway with cached packages only`, async () => {
    const text = await Deno.readTextFile(`${ROOT}/${file}`);
    const starts = text.split("\n").filter((line) => /^(?:ENTRYPOINT|ExecStart=.)/.test(line));
    assert.ok(starts.length > 0);
    for (const line of starts) assert.match(line, /--cached-only/);
  });
}
