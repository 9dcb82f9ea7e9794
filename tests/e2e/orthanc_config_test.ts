/**
 * `orthanc-config` with a real Orthanc: a study that Orthanc sends through the gateway proves the
 * settings and the printed configuration.
 */
import assert from "node:assert/strict";
import { dicomFile, newUid } from "../fixtures/dicom_file.ts";
import { runCommand } from "../fixtures/gateway_command.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { Orthanc } from "../fixtures/orthanc.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";

const PASSWORD = "correct horse";

Deno.test(needing(ORTHANC, {
  name: "orthanc-config makes Orthanc store through a gateway that requires a password",
  async fn(t) {
    const directory = await Deno.makeTempDir({ prefix: "orthanc-config-test-" });
    await using store = await Orthanc.start();
    await using client = await Orthanc.start();
    const hashed = await runCommand(["hash-password"], { stdin: PASSWORD });
    const section = {
      Authentication: { Basic: { Users: { orthanc: hashed.stdout.trim() } } },
      Servers: { main: { Url: store.dicomWebUrl, ProviderType: "none" } },
    };
    await using gateway = await startGateway(section);
    const config = `${directory}/gateway.json`;
    await Deno.writeTextFile(config, JSON.stringify({ DicomWebOAuth: section }));
    const args = ["orthanc-config", "--config", config, "--url", gateway.url];
    const [study, uid] = [newUid(), newUid()];
    const file = dicomFile({
      sopInstanceUid: uid,
      seriesInstanceUid: newUid(),
      studyInstanceUid: study,
      patientId: "SET-1",
    });
    const sent = new Map([[uid, sha256(file)]]);

    await t.step("changes nothing on trial", async () => {
      const trial = await runCommand([...args, "--orthanc", client.url, "--dry-run"]);
      assert.equal(trial.code, 0, trial.stderr);
      assert.match(trial.stdout, /main: would be set \(new\)/);
      assert.deepEqual(await servers(client), {});
    });

    await t.step("sets the server in the running Orthanc", async () => {
      const set = await runCommand([...args, "--orthanc", client.url], { stdin: `${PASSWORD}\n` });
      assert.equal(set.code, 0, set.stderr);
      assert.match(set.stdout, /main: set \(new\)/);
      assert.match(set.stderr, /ServersInDatabase/);
      await client.upload(file);
      const job = await client.stow("main", study);
      assert.equal(job.State, "Success", job.ErrorDescription);
      assert.deepEqual(await store.fileHashes(), sent);
    });

    await t.step("names the changes of an existing server", async () => {
      await client.setPeer("main", { Url: "http://elsewhere.example/", HasDelete: true });
      const set = await runCommand([...args, "--orthanc", client.url], { stdin: PASSWORD });
      assert.match(set.stdout, /main: set \(Url, .*Timeout, Username/);
      assert.ok(!set.stdout.includes(PASSWORD) && !set.stderr.includes(PASSWORD));
    });

    await t.step("prints what the configuration file of an Orthanc needs", async () => {
      const printed = await runCommand(args);
      assert.equal(printed.code, 0, printed.stderr);
      await store.clear();
      await using other = await Orthanc.start({
        config: {
          DicomWeb: { Enable: true, Root: "/dicom-web/", ...JSON.parse(printed.stdout).DicomWeb },
        },
        env: { DICOMWEB_GATEWAY_SECRET: PASSWORD },
      });
      await other.upload(file);
      const job = await other.stow("main", study);
      assert.equal(job.State, "Success", job.ErrorDescription);
      assert.deepEqual(await store.fileHashes(), sent);
    });
    await Deno.remove(directory, { recursive: true });
  },
}));

Deno.test(needing(ORTHANC, {
  name: "orthanc-config finds nothing to change the second time",
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "orthanc-config-test-" });
    await using client = await Orthanc.start();
    const config = `${directory}/gateway.json`;
    const main = { Url: "https://store.example/dicom-web", ProviderType: "none", ReadOnly: true };
    await Deno.writeTextFile(config, JSON.stringify({ DicomWebOAuth: { Servers: { main } } }));
    const args = ["orthanc-config", "--config", config, "--orthanc", client.url];
    assert.match((await runCommand(args)).stdout, /main: set \(new\)/);
    assert.equal((await runCommand(args)).stdout, "main: up to date\n");
    const { main: set } = await servers(client) as { main: Record<string, unknown> };
    assert.deepEqual(
      [set["Url"], set["HasDelete"]],
      ["http://127.0.0.1:8043/dicom-web/main/", "0"],
    );
    await Deno.remove(directory, { recursive: true });
  },
}));

async function servers(orthanc: Orthanc): Promise<unknown> {
  return await (await fetch(`${orthanc.dicomWebUrl}/servers?expand`)).json();
}
