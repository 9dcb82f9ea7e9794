import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startGateway } from "../fixtures/gateway_process.ts";
import { startSlowStore } from "../fixtures/slow_store.ts";

/** Log lines of the gateway must not count as failures of the demo. */
const LOG_LINE = / (?:DBG|INF|WRN|ERR) |"level":/;

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`serve: ${signal} lets a running transfer finish, then exits with 0`, async () => {
    const store = startSlowStore();
    await using gateway = await startGateway({
      Servers: { main: { Url: store.url, ProviderType: "none" } },
    });
    const response = await fetch(`${gateway.url}/dicom-web/main/studies/1.2.3`);
    const stopped = gateway.stop(signal);
    while (!gateway.output().includes("Draining")) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    store.finish();
    assert.equal(await response.text(), "first last");
    assert.equal((await stopped).code, 0);
    await store.close();
  });
}

Deno.test("serve: transfers that exceed DrainTimeoutSeconds are aborted visibly, and the exit code is 0", async () => {
  const store = startSlowStore();
  await using gateway = await startGateway({
    DrainTimeoutSeconds: 0.2,
    Servers: { main: { Url: store.url, ProviderType: "none" } },
  });
  const response = await fetch(`${gateway.url}/dicom-web/main/studies/1.2.3`);
  const stopped = gateway.stop("SIGTERM");
  await assert.rejects(response.text());
  assert.equal((await stopped).code, 0);
  assert.match(gateway.output(), /aborted/);
  store.finish();
  await store.close();
});

function demo(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "demo", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("demo --once: every step works and prints a line, and the exit code is 0", async () => {
  const { code, stdout, stderr } = await demo(["--once"]).output();
  const [text, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(code, 0, `${text}${errors}`);
  assert.equal(errors, "");
  assert.doesNotMatch(text!, LOG_LINE);
  for (const step of [/^✓ Stored/m, /^✓ Found/m, /^✓ Retrieved/m, /^✓ Deleted/m]) {
    assert.match(text!, step);
  }
  assert.doesNotMatch(text!, /✗/);
});

Deno.test("demo: keeps running with a stored study, and ends at SIGTERM", async () => {
  const process = demo([]);
  let text = "";
  const reading = (async () => {
    for await (const part of process.stdout.pipeThrough(new TextDecoderStream())) text += part;
  })();
  const errors = new Response(process.stderr).text();
  const gateway = await until(() =>
    /curl \S*?(http:\/\/127\.0\.0\.1:\d+)\/dicom-web/.exec(text)?.[1]
  );
  const response = await fetch(`${gateway}/dicom-web/demo/studies`, {
    headers: { accept: "application/dicom+json" },
  });
  assert.equal((await response.json()).length, 1, text);
  process.kill("SIGTERM");
  await process.status;
  await reading;
  assert.doesNotMatch(text + await errors, LOG_LINE);
  assert.match(text, /Stopping/);
});

async function until<Value>(look: () => Value | undefined): Promise<Value> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const value = look();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new assert.AssertionError({ message: "it did not come to that in time" });
}
