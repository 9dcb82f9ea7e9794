/**
 * The container image: it builds, contains what it should, and runs from a read-only root file
 * system as a user without a name. Not covered: a container engine, and the base images of the
 * Dockerfile, which need a registry.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };
import { needing, needingRoot } from "../fixtures/installed_tool.ts";
import { freePort } from "../fixtures/listening.ts";
import { BUILDAH, LocalImage } from "../fixtures/local_image.ts";
import { runProgram } from "../fixtures/run_program.ts";
import { START_FLAGS } from "../../deploy/deno_flags.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Flags of the image besides those of the start task: no downloads, no prompts. */
const OFFLINE = ["--cached-only", "--no-prompt", "--quiet"];
const START_LIMIT_MS = 30_000;

Deno.test("Dockerfile: no base image floats, and its Deno is the one the project is pinned to", async () => {
  const dockerfile = await Deno.readTextFile(`${ROOT}docker/Dockerfile`);
  const bases = [...dockerfile.matchAll(/^ARG \w+_IMAGE=(\S+)$/gm)].map(([, image]) => image);
  assert.deepEqual(bases, [
    "docker.io/denoland/deno:debian-2.7.14",
    "docker.io/denoland/deno:distroless-2.7.14",
  ]);
  const ci = await Deno.readTextFile(`${ROOT}.ci/run`);
  assert.match(ci, /deno@2\.7\.14 /);
  for (const [, from] of dockerfile.matchAll(/^FROM (\S+)/gm)) {
    assert.match(from!, /^\$\{\w+_IMAGE\}$/);
  }
});

Deno.test(needingRoot(needing(BUILDAH, {
  name:
    "The image builds from the Dockerfile, and runs the demo and the gateway from a read-only root",
  async fn(t) {
    await using image = await LocalImage.build();
    const { Entrypoint, Cmd, Healthcheck, User, Labels } = image.config;

    await t.step("it runs as a user without a name, with the flags of the start task", () => {
      assert.equal(User, "65532:65532");
      assert.deepEqual(Cmd, ["serve"]);
      const [kind, ...healthcheck] = Healthcheck.Test;
      assert.equal(kind, "CMD");
      assert.deepEqual(healthcheck, [...Entrypoint, "healthcheck"]);
      const flags = Entrypoint.filter((word) => word.startsWith("--"));
      assert.deepEqual(flags.sort(), [...new Set([...START_FLAGS, ...OFFLINE])].sort());
      assert.equal(Labels["org.opencontainers.image.version"], manifest.version);
    });

    await t.step(
      "it contains the dependencies of the lock file, but none of the tests",
      async () => {
        const lock = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
        const held = JSON.parse(await Deno.readTextFile(`${image.root}/app/deno.lock`));
        for (const [name, entry] of Object.entries(held.npm)) {
          assert.deepEqual(entry, lock.npm[name], name);
        }
        const names = Object.keys(held.npm).map((name) => name.replace(/@[^@]+$/, ""));
        assert(names.includes("hono"));
        for (const name of ["oidc-provider", "playwright-core", "fast-check", "dicomweb-client"]) {
          assert(!names.includes(name), name);
        }
      },
    );

    await t.step(
      "only the state directory belongs to that user or is writable by all",
      async () => {
        const find = ["-xdev", "(", "-uid", "65532", "-o", "-perm", "-o+w", "!", "-type", "l", ")"];
        const { stdout } = await runProgram("find", [image.root, ...find]);
        const found = stdout.trim().split("\n");
        assert.deepEqual(found, [`${image.root}/var/lib/dicomweb-gateway`]);
      },
    );

    await t.step("the demo", async () => {
      const { code, stdout, stderr } = await image.command([...Entrypoint, "demo", "--once"])
        .output();
      const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assert.equal(code, 0, `${said}${complained}`);
      assert.match(said!, /Every step worked/);
    });

    await t.step("the gateway, its health check, its documentation, and its end", async () => {
      const config = await Deno.makeTempDir();
      await Deno.chmod(config, 0o755);
      const port = freePort();
      await Deno.writeTextFile(
        `${config}/gateway.json`,
        JSON.stringify({
          DicomWebOAuth: {
            Listen: { Port: port },
            Servers: { main: { ProviderType: "none", Url: "https://store.example/dicom-web" } },
          },
        }),
      );
      const [, ...healthcheck] = Healthcheck.Test;
      const check = async () => (await image.command(healthcheck, config).output()).code;
      assert.equal(await check(), 1);
      const gateway = image.command([...Entrypoint, ...Cmd], config).spawn();
      const output = Promise.all(
        [gateway.stdout, gateway.stderr].map((stream) => new Response(stream).text()),
      );
      const deadline = Date.now() + START_LIMIT_MS;
      while (await check() !== 0) {
        if (Date.now() < deadline) continue;
        gateway.kill("SIGKILL");
        assert.fail(`never healthy: ${(await output).join("")}`);
      }
      const document = await fetch(
        `http://127.0.0.1:${port}/dicomweb-oauth/docs/troubleshooting.md`,
      );
      assert.match(await document.text(), /<h1[^>]*>Troubleshooting by symptom<\/h1>/);
      gateway.kill("SIGTERM");
      const { code } = await gateway.status;
      assert.equal(code, 0, (await output).join(""));
      await Deno.remove(config, { recursive: true });
    });
  },
})));
