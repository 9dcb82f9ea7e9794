/**
 * Access to the state directory. Without modes and owners of files (Windows) it is not checked: the
 * directory is then as safe as the user's profile that contains it.
 */
import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/values/config_error.ts";
import { prepareStateDirectory, stateDirectoryFault } from "../../src/runtime/state_directory.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { runCommand } from "../fixtures/gateway_command.ts";

const ignore = Deno.build.os === "windows";

function onDisk(name: string, fn: (directory: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      const directory = await Deno.makeTempDir();
      try {
        await fn(directory);
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    },
  });
}

const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;

onDisk("State directory: it is made for its user alone, below what is there", async (directory) => {
  const path = `${directory}/a/state`;
  await prepareStateDirectory(path);
  assert.equal(await modeOf(path), 0o700);
  await prepareStateDirectory(path);
});

for (const mode of [0o701, 0o704, 0o710, 0o720, 0o750, 0o755, 0o777]) {
  const octal = mode.toString(8).padStart(4, "0");
  onDisk(`State directory: mode ${octal} is refused, and nothing is changed`, async (directory) => {
    await Deno.chmod(directory, mode);
    await Deno.writeTextFile(`${directory}/tokens.kv`, "", { mode: 0o644 });
    await assert.rejects(prepareStateDirectory(directory), (error) => {
      assert(error instanceof ConfigError);
      assert.match(
        error.message,
        /CFG-002 DicomWebOAuth\.StateDirectory: others than the gateway's/,
      );
      assert(error.message.includes(`(mode ${octal}): run chmod 700 ${directory}`));
      return true;
    });
    assert.equal(await modeOf(directory), mode);
  });
}

onDisk("State directory: that of another user is refused", async (directory) => {
  await Deno.chmod(directory, 0o700);
  const { uid } = await Deno.stat(directory);
  assert.equal(await stateDirectoryFault(directory, uid), undefined);
  const fault = await stateDirectoryFault(directory, (uid ?? 0) + 1);
  assert.match(fault ?? "", /belongs to another user \(\d+\) than the gateway runs as \(\d+\)/);
});

onDisk("State directory: a file in its place is refused", async (directory) => {
  await Deno.writeTextFile(`${directory}/state`, "");
  await assert.rejects(prepareStateDirectory(`${directory}/state`), /is not a directory/);
});

onDisk("State directory: files that were open to others are closed", async (directory) => {
  await Deno.chmod(directory, 0o700);
  await Deno.writeTextFile(`${directory}/tokens.kv`, "");
  await Deno.chmod(`${directory}/tokens.kv`, 0o644);
  await prepareStateDirectory(directory);
  assert.equal(await modeOf(`${directory}/tokens.kv`), 0o600);
});

const kv = (store: string) => ({
  TokenCache: { Backend: "kv", EncryptionKey: btoa("k".repeat(32)) },
  Servers: {
    main: { Url: store, TokenEndpoint: `${store}/token`, ClientId: "c", ClientSecret: "s" },
  },
});

onDisk(
  "Running gateway: its token cache is its user's alone, whatever the umask",
  async (directory) => {
    const answers: Record<string, Response> = {};
    await using store = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      ({ url }) =>
        url.endsWith("/token")
          ? Response.json({ access_token: "t", token_type: "Bearer", expires_in: 3600 })
          : answers[url] ?? new Response("[]"),
    );
    const before = Deno.umask(0);
    try {
      await using gateway = await startGateway(kv(`http://127.0.0.1:${store.addr.port}`), {
        stateDirectory: `${directory}/state`,
      });
      const response = await fetch(`${gateway.url}/dicom-web/main/studies`);
      await response.body?.cancel();
      assert.equal(response.status, 200);
      assert.equal(await modeOf(`${directory}/state`), 0o700);
      const names = [...Deno.readDirSync(`${directory}/state`)].map(({ name }) => name);
      assert(names.includes("tokens.kv"), names.join());
      for (const name of names) {
        assert.equal(
          await modeOf(`${directory}/state/${name}`),
          0o600,
          name,
        );
      }
      await gateway.stop();
    } finally {
      Deno.umask(before);
    }
  },
);

for (const command of ["serve", "check"]) {
  onDisk(`${command}: a state directory open to others ends it with 78`, async (directory) => {
    await Deno.mkdir(`${directory}/state`);
    await Deno.chmod(`${directory}/state`, 0o755);
    const section = {
      Listen: { Port: 0 },
      StateDirectory: "state",
      ...kv("https://store.example"),
    };
    await Deno.writeTextFile(`${directory}/c.json`, JSON.stringify({ DicomWebOAuth: section }));
    const { code, stderr } = await runCommand([command, "--config", `${directory}/c.json`]);
    assert.equal(code, 78, stderr);
    assert(
      stderr.includes(`StateDirectory: others than the gateway's user may use ${directory}/state`),
    );
  });
}
