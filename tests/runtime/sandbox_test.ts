import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/parse_config.ts";
import { permissionSet } from "../../src/config/permission_set.ts";
import { spawnSandboxed } from "../../src/runtime/gateway_worker.ts";
import type { ProbeOrders } from "../fixtures/probe_worker.ts";

const PROBE = import.meta.resolve("../fixtures/probe_worker.ts");

async function probe(orders: ProbeOrders, stateDirectory: string): Promise<Record<string, string>> {
  const config = parseConfig({
    path: "/etc/dicomweb-gateway/gateway.json",
    document: {
      DicomWebOAuth: {
        StateDirectory: stateDirectory,
        TokenCache: { Backend: "kv", EncryptionKey: btoa("k".repeat(32)) },
        Servers: {
          main: {
            Url: `${orders.allowedHost}/dicom-web`,
            TokenEndpoint: `${orders.allowedHost}/token`,
            ClientId: "client",
            ClientSecret: "secret",
          },
        },
      },
    },
    files: {},
    environment: {},
    defaultStateDirectory: stateDirectory,
    problems: [],
  });
  const worker = spawnSandboxed(PROBE, permissionSet(config));
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, string>>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage(orders);
  try {
    return await promise;
  } finally {
    worker.terminate();
  }
}

Deno.test("sandbox: a worker reaches its hosts and its state directory, and nothing else", async () => {
  const directory = await Deno.makeTempDir();
  const stateDirectory = `${directory}/state`;
  await Deno.mkdir(stateDirectory);
  await Deno.writeTextFile(`${directory}/outside`, "unchanged");
  const servers = [1, 2].map(() =>
    Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response("export {}", { headers: { "content-type": "text/javascript" } }),
    )
  );
  const [allowed, other] = servers.map((server) => `http://127.0.0.1:${server.addr.port}`);
  Deno.env.set("DICOMWEB_GATEWAY_TEST_SECRET", "visible to the supervisor");
  try {
    const outcomes = await probe({
      allowedHost: allowed!,
      otherHost: other!,
      outsideFile: `${directory}/outside`,
      insideFile: `${stateDirectory}/inside`,
      variable: "DICOMWEB_GATEWAY_TEST_SECRET",
    }, stateDirectory);
    const {
      "contact an allowed host": contact,
      "write in the state directory": write,
      ...refused
    } = outcomes;
    assert.equal(contact, "done", "the probe shows nothing if it cannot do what is allowed");
    assert.equal(write, "done", "the probe shows nothing if it cannot do what is allowed");
    for (const [attempt, outcome] of Object.entries(refused)) {
      // Deno tells of a refused import in its own way.
      const refusal = attempt === "import from elsewhere" ? "TypeError" : "NotCapable";
      assert.equal(outcome, refusal, `it was able to ${attempt}`);
    }
    assert.equal(Object.keys(refused).length, 14);
    assert.equal(await Deno.readTextFile(`${directory}/outside`), "unchanged");
  } finally {
    Deno.env.delete("DICOMWEB_GATEWAY_TEST_SECRET");
    await Promise.all(servers.map((server) => server.shutdown()));
    await Deno.remove(directory, { recursive: true });
  }
});
