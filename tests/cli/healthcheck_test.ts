import assert from "node:assert/strict";
import { startGateway } from "../fixtures/gateway_process.ts";
import { runCommand } from "../fixtures/gateway_command.ts";

const STORE = { Url: "https://store.example/dicom-web", ProviderType: "none" };

async function healthcheck(listen: unknown, args: readonly string[] = []) {
  const directory = await Deno.makeTempDir();
  const file = `${directory}/gateway.json`;
  await Deno.writeTextFile(
    file,
    // The missing secret does not affect the running gateway.
    JSON.stringify({
      DicomWebOAuth: {
        Listen: listen,
        Servers: { main: { ...STORE, Url: "${NO_SUCH_VARIABLE_HERE}" } },
      },
    }),
  );
  const { code, stdout, stderr } = await runCommand(["healthcheck", "--config", file, ...args]);
  await Deno.remove(directory, { recursive: true });
  return { code, output: `${stdout}${stderr}` };
}

Deno.test("healthcheck: a running gateway answers, on its own address and on every interface", async () => {
  await using gateway = await startGateway({ Servers: { main: STORE } });
  const port = Number(new URL(gateway.url).port);
  for (const listen of [{ Port: port }, { Address: "0.0.0.0", Port: port }]) {
    const { code, output } = await healthcheck(listen);
    assert.equal(code, 0, output);
    assert.equal(output, `The gateway at ${gateway.url} answers.\n`);
  }
  assert.equal((await healthcheck({ Port: 0 }, ["--port", String(port)])).code, 0);
});

Deno.test("healthcheck: 1 if no gateway answers, 64 and 78 if its address is unknown", async () => {
  await using other = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(null, { status: 503 }),
  );
  const unwell = await healthcheck({ Port: other.addr.port });
  assert.equal(unwell.code, 1);
  assert.match(unwell.output, /answered with status 503/);

  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const absent = await healthcheck({ Port: port });
  assert.equal(absent.code, 1);
  assert.match(absent.output, new RegExp(`http://127\\.0\\.0\\.1:${port} does not answer`));

  assert.equal((await healthcheck({ Port: 0 })).code, 64);
  const wrong = await healthcheck({ Port: "eighty" });
  assert.equal(wrong.code, 78);
  assert.match(wrong.output, /Listen\.Port/);
});
