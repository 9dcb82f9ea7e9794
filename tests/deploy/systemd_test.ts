/** The systemd unit, as far as it can be checked without systemd starting it. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { needing, needingRoot } from "../fixtures/installed_tool.ts";
import { copyPrograms } from "../fixtures/root_directory.ts";
import { runProgram } from "../fixtures/run_program.ts";
import { START_FLAGS } from "../../deploy/deno_flags.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const UNIT = `${ROOT}deploy/systemd/dicomweb-gateway.service`;
const SYSTEMD = { name: "systemd", path: "/usr/bin/systemd-analyze" };

const run = (command: string, args: readonly string[], env: Record<string, string> = {}) =>
  runProgram(command, args, { env: { SYSTEMD_COLORS: "0", ...env } });

Deno.test(needing(SYSTEMD, {
  name: "The systemd unit has an exposure below 2.0",
  async fn() {
    const analyze = (file: string) =>
      run(SYSTEMD.path, ["security", "--offline=true", "--no-pager", "--threshold=20", file]);
    const { code, output } = await analyze(UNIT);
    assert.equal(code, 0, output);
    assert(Number(/exposure level for \S+: (\d+\.\d+)/.exec(output)?.[1]) < 2, output);

    const directory = await Deno.makeTempDir();
    const open = `${directory}/open.service`;
    await Deno.writeTextFile(open, "[Service]\nExecStart=/bin/true\n");
    assert.notEqual((await analyze(open)).code, 0);
    await Deno.remove(directory, { recursive: true });
  },
}));

Deno.test(needing(SYSTEMD, {
  name: "systemd finds nothing wrong with the unit once the program is installed",
  async fn() {
    const directory = await Deno.makeTempDir();
    const copy = `${directory}/dicomweb-gateway.service`;
    const verify = async (change: (unit: string) => string) => {
      const unit = (await Deno.readTextFile(UNIT)).replace(
        "/usr/local/bin/dicomweb-gateway",
        "/bin/true",
      );
      await Deno.writeTextFile(copy, change(unit));
      // Its exit code is always 0.
      return (await run(SYSTEMD.path, ["verify", copy])).output.split("\n")
        .filter((line) => line.includes("dicomweb-gateway.service"));
    };
    assert.deepEqual(await verify((unit) => unit), []);
    assert.notDeepEqual(await verify((unit) => unit.replace("UMask=", "Umask=")), []);
    await Deno.remove(directory, { recursive: true });
  },
}));

Deno.test(needingRoot(needing(SYSTEMD, {
  name: "The install steps create the files, user and directories of the unit",
  async fn() {
    // In a root directory: these programs change the system that they run on.
    const root = await Deno.makeTempDir();
    const programs = [
      "/bin/sh",
      "/usr/bin/install",
      "/bin/systemd-sysusers",
      "/bin/systemd-tmpfiles",
    ];
    await copyPrograms(root, Object.fromEntries(programs.map((path) => [path, path])));
    for (const place of ["etc", "proc", "tmp", "run", "var/lib", "repository"]) {
      await Deno.mkdir(`${root}/${place}`, { recursive: true });
    }
    await runProgram("cp", ["-r", `${ROOT}deploy`, `${root}/repository`]);
    await Deno.writeTextFile(`${root}/repository/client-secret`, "hunter2\n");
    const page = await Deno.readTextFile(`${ROOT}docs/install.md`);
    const [steps] = /^sudo install -D [\s\S]*?(?=^```)/m.exec(
      page.slice(page.indexOf("## systemd")),
    )!;
    const script = `set -e; sudo() { "$@"; }; cd /repository; PATH=/bin:/usr/bin; ${steps}`;
    // systemd-tmpfiles needs /proc; the mount ends with the command.
    const enter = 'mount --bind /proc "$1/proc" && exec /usr/sbin/chroot "$1" /bin/sh -c "$2"';
    const { code, output } = await run("unshare", [
      "--mount",
      "sh",
      "-c",
      enter,
      "sh",
      root,
      script,
    ]);
    assert.equal(code, 0, output);

    const [, uid, gid] =
      /^dicomweb-gateway:x:(\d+):(\d+):.*:\/var\/lib\/dicomweb-gateway:\S*nologin$/m
        .exec(await Deno.readTextFile(`${root}/etc/passwd`))!;
    const at = async (path: string) => {
      const { mode, uid, gid } = await Deno.stat(`${root}/${path}`);
      return [(mode! & 0o777).toString(8), uid, gid];
    };
    assert.notEqual(uid, "0");
    assert.deepEqual(await at("etc/dicomweb-gateway"), ["750", 0, Number(gid)]);
    assert.deepEqual(await at("etc/dicomweb-gateway/gateway.json"), ["640", 0, Number(gid)]);
    assert.deepEqual(await at("etc/dicomweb-gateway/secrets"), ["700", 0, 0]);
    assert.deepEqual(await at("etc/dicomweb-gateway/secrets/cloud"), ["600", 0, 0]);
    const installed = await Deno.readTextFile(
      `${root}/etc/systemd/system/dicomweb-gateway.service`,
    );
    assert.equal(installed, await Deno.readTextFile(UNIT));
    await Deno.remove(root, { recursive: true });
  },
})));

Deno.test("The drop-in for Deno runs the gateway with the flags of the start task, offline", async () => {
  const dropIn = await Deno.readTextFile(`${ROOT}deploy/systemd/deno.conf`);
  const [, command] = /^ExecStart=(.+)$/m.exec(dropIn)!;
  const flags = command!.split(" ").filter((word) => /^--(?!config)/.test(word));
  const offline = ["--cached-only", "--no-prompt", "--quiet"];
  assert.deepEqual(flags.sort(), [...new Set([...START_FLAGS, ...offline])].sort());
});

Deno.test("The systemd unit stops no sooner than transfers may take, and does not restart after errors that persist", async () => {
  const unit = await Deno.readTextFile(UNIT);
  assert(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) > 30);
  assert.match(unit, /^RestartPreventExitStatus=64 78$/m);
  assert.match(unit, /^ExecReload=\/bin\/kill -HUP \$MAINPID$/m);
});

Deno.test("The configuration beside the systemd unit reads its secret from systemd's credentials", async () => {
  const credentials = await Deno.makeTempDir();
  await Deno.writeTextFile(`${credentials}/secret_cloud`, "hunter2\n");
  const check = (env: Record<string, string>) =>
    run(Deno.execPath(), [
      ...["run", "--quiet", ...START_FLAGS, `${ROOT}main.ts`, "check"],
      ...["--config", `${ROOT}deploy/systemd/gateway.json`],
    ], env);
  const { code, output } = await check({ CREDENTIALS_DIRECTORY: credentials });
  assert.equal(code, 0, output);
  assert.doesNotMatch(output, /hunter2/);
  const { code: without } = await check({ CREDENTIALS_DIRECTORY: `${credentials}/none` });
  assert.equal(without, 78);
  await Deno.remove(credentials, { recursive: true });
});
