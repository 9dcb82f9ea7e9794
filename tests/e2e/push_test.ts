/**
 * `push` with a real store: interrupted twice, once so that it can finish its current requests and
 * once so that it cannot, it ends with exactly the content of the folder.
 */
import assert from "node:assert/strict";
import { dicomFile, newUid } from "../fixtures/dicom_file.ts";
import { startCommand } from "../fixtures/gateway_command.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { Orthanc } from "../fixtures/orthanc.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";

const INSTANCES = 1_000;

interface Sample {
  readonly folder: string;
  readonly config: string;
  readonly hashes: ReadonlyMap<string, string>;
}

/** A folder of folders with instances, and a configuration beside it. */
async function sample(directory: string, url: string, count: number): Promise<Sample> {
  const folder = `${directory}/images`;
  const hashes = new Map<string, string>();
  const [study, series] = [newUid(), newUid()];
  for (let number = 1; number <= count; number++) {
    const sopInstanceUid = newUid();
    const file = dicomFile({
      sopInstanceUid,
      seriesInstanceUid: series,
      studyInstanceUid: study,
      instanceNumber: number,
      patientId: "PUSH-1",
      rows: 32,
      columns: 32,
    });
    const place = `${folder}/${number % 7}/${number % 3}`;
    await Deno.mkdir(place, { recursive: true });
    await Deno.writeFile(`${place}/IM${number}`, file);
    hashes.set(sopInstanceUid, sha256(file));
  }
  const config = `${directory}/gateway.json`;
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      DicomWebOAuth: {
        StateDirectory: `${directory}/state`,
        Servers: { main: { Url: url, ProviderType: "none" } },
      },
    }),
  );
  return { folder, config, hashes };
}

Deno.test(needing(ORTHANC, {
  name: "push of 1,000 instances interrupted twice ends with exactly these 1,000 in the store",
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "push-test-" });
    await using store = await Orthanc.start();
    const { folder, config, hashes } = await sample(directory, store.dicomWebUrl, INSTANCES);
    const args = ["push", folder, "--config", config, "--batch", "10", "--jobs", "2", "--json"];

    const countStored = async () => (await store.fileHashes()).size;
    const interruptedAt = async (count: number, signal: Deno.Signal) => {
      const command = startCommand(args);
      while (await countStored() < count) await new Promise((resolve) => setTimeout(resolve, 20));
      command.signal(signal);
      return await command.ended;
    };

    const first = await interruptedAt(150, "SIGINT");
    assert.equal(first.code, 130, first.stderr);
    const interrupted = JSON.parse(first.stdout);
    assert.equal(interrupted.ended, "interrupted");
    assert.ok(interrupted.stored < INSTANCES, "it was interrupted too late to show anything");
    assert.equal(await countStored(), interrupted.stored);
    assert.match(first.stderr, /same command again/);

    const second = await interruptedAt(500, "SIGKILL");
    assert.notEqual(second.code, 0);
    assert.ok(await countStored() < INSTANCES, "it was killed too late to show anything");

    const third = await startCommand(args).ended;
    assert.equal(third.code, 0, third.stderr);
    const finished = JSON.parse(third.stdout);
    assert.equal(finished.ended, "finished");
    assert.equal(finished.stored + finished.stored_by_earlier_run, INSTANCES);
    assert.ok(finished.stored_by_earlier_run >= interrupted.stored);
    assert.deepEqual(await store.fileHashes(), hashes);
    // Everything is stored: nothing is left to resume.
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${directory}/state/push`)), []);
    await Deno.remove(directory, { recursive: true });
  },
}));

Deno.test(needing(ORTHANC, {
  name: "push sends through a running gateway that requires a password",
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "push-test-" });
    await using store = await Orthanc.start();
    const { folder, hashes } = await sample(directory, store.dicomWebUrl, 25);
    const hashed = await startCommand(["hash-password"], { stdin: "correct horse" }).ended;
    await using gateway = await startGateway({
      Authentication: { Basic: { Users: { robot: hashed.stdout.trim() } } },
      Servers: { main: { Url: store.dicomWebUrl, ProviderType: "none" } },
    });
    const args = ["push", folder, "--server", "main", "--url", gateway.url, "--user", "robot"];
    const env = { XDG_STATE_HOME: `${directory}/state` };

    const refused = await startCommand(args, { env, stdin: "wrong" }).ended;
    assert.equal(refused.code, 1, refused.stderr);
    assert.match(refused.stderr, /AUTH-/);
    assert.equal((await store.fileHashes()).size, 0);

    const sent = await startCommand(args, { env, stdin: "correct horse" }).ended;
    assert.equal(sent.code, 0, sent.stderr);
    assert.match(sent.stdout, /stored\s+25 /);
    assert.deepEqual(await store.fileHashes(), hashes);
    await Deno.remove(directory, { recursive: true });
  },
}));
