/**
 * The configurations of `docs/install.md` and `docs/operations.md` load, their commands and files
 * exist, their secrets have the expected names, and a large body passes nginx with the documented
 * lines.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import manifest from "../../deno.json" with { type: "json" };
import { makeApiKey } from "../../src/credentials/inbound/api_keys.ts";
import { CONFIG_PATH, problemsOf } from "../config/memory_files.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { freePort, serveLoopback } from "../fixtures/listening.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";
import { root } from "./generated_docs.ts";
import { noteIn, reportWith } from "../fixtures/stow_request.ts";
import { runCommand } from "../fixtures/gateway_command.ts";

const NGINX = { name: "nginx", path: "/usr/sbin/nginx" };
const PAGES = ["docs/install.md", "docs/operations.md"];
const BODY_BYTES = 20_000_000;
const START_LIMIT_MS = 10_000;

const read = (path: string) => Deno.readTextFile(new URL(path, root));

async function blocks(page: string, language: string): Promise<string[]> {
  const fence = new RegExp(`^ *\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, "gm");
  return [...(await read(page)).matchAll(fence)].map(([, block]) => block!);
}

for (const page of PAGES) {
  Deno.test(`${page}: its configurations load`, async () => {
    const beside = (name: string) => join(dirname(CONFIG_PATH), name);
    const surroundings = {
      env: { ORTHANC_KEY_HASH: makeApiKey().hash },
      files: {
        "/run/secrets/client-secret": "secret",
        [beside("client-secret")]: "secret",
        [beside("redis-password")]: "secret",
        [beside("encryption-key")]: btoa("0123456789abcdef0123456789abcdef"),
      },
    };
    const configurations = await blocks(page, "json");
    assert(configurations.length > 0);
    for (const text of configurations) assert.deepEqual(await problemsOf(text, surroundings), []);
  });

  Deno.test(`${page}: its commands, tasks and files exist`, async () => {
    const lines = (await blocks(page, "sh")).join("\n");
    const text = `${lines}\n${
      [...(await read(page)).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code).join("\n")
    }`;
    const { stdout: help } = await runCommand(["--help"]);
    const program =
      /(?:^|[ /])dicomweb-gateway(?::[\d.]+|-\w+-x64(?:\.exe)?)? (--version|[a-z][a-z-]+)(?!\S)/gm;
    const commands = [...text.matchAll(program)].map(([, command]) => command!);
    assert(commands.length > 0);
    for (const command of new Set(commands)) {
      assert.match(help, new RegExp(`^ +(?:-V, )?${command}\\b`, "m"), command);
    }
    for (const [, task] of text.matchAll(/deno task ([\w:]+)/g)) {
      assert(Object.hasOwn(manifest.tasks, task!), task);
    }
    for (const [path] of text.matchAll(/(?<![\w/.])(?:deploy|docker|docs|tests)\/[\w./-]+/g)) {
      // The output of prepare.sh is not part of the repository.
      if (path === "docker/.env") continue;
      await Deno.stat(new URL(path, root)).catch(() => assert.fail(`${path} is not there`));
    }
  });
}

Deno.test("docs/install.md: the Kubernetes secrets have all the keys that the manifests mount", async () => {
  const commands = (await blocks("docs/install.md", "sh")).filter((block) =>
    block.includes("kubectl create secret")
  ).join("\n");
  const made = new Set(
    [...commands.matchAll(/--from-(?:file|literal) ([\w-]+)/g)].map(([, key]) => key!),
  );
  const wanted = new Set<string>();
  for (const path of await filesBelow("deploy/kubernetes/")) {
    const text = await read(path);
    for (const [, key] of text.matchAll(/\/run\/secrets\/dicomweb-gateway\/([\w-]+)/g)) {
      wanted.add(key!);
    }
    for (const [, key] of text.matchAll(/name: dicomweb-gateway(?:-metrics)?\n +key: ([\w-]+)/g)) {
      wanted.add(key!);
    }
  }
  assert(wanted.size >= 6);
  assert.deepEqual([...made].sort(), [...wanted].sort());
});

Deno.test(needing(NGINX, {
  name: "docs/operations.md: a large body passes nginx unbuffered with the documented lines",
  async fn() {
    let arrived: string | undefined;
    await using store = serveLoopback(async (request) => {
      arrived = sha256(new Uint8Array(await request.arrayBuffer()));
      return new Response(reportWith(String(request.headers.get("transfer-encoding"))));
    });
    await using gateway = await startGateway({
      Servers: {
        main: { ProviderType: "none", Url: `${store.url}/dicom-web` },
      },
    });
    await using proxy = await startNginx(new URL(gateway.url).host);
    const body = new Uint8Array(BODY_BYTES);
    for (let at = 0; at < body.length; at += 65_536) {
      crypto.getRandomValues(body.subarray(at, at + 65_536));
    }
    const sent = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        for (let at = 0; at < body.length; at += 65_524) {
          controller.enqueue(body.slice(at, at + 65_524));
        }
        controller.close();
      },
    });
    const response = await fetch(`${proxy.url}/dicom-web/main/studies`, {
      method: "POST",
      headers: { "content-type": "application/dicom" },
      body: sent,
    });
    // A proxy that buffers the body knows its length and sends it.
    assert.equal(noteIn(await response.text()), "chunked");
    assert.equal(arrived, sha256(body));
  },
}));

/** nginx with the configuration of the page, before a gateway. */
async function startNginx(gateway: string) {
  const [block = ""] = await blocks("docs/operations.md", "nginx");
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-nginx-" });
  const port = freePort();
  const lines = block.replace("server 10.1.0.11:8043;", `server ${gateway};`)
    .replace("server 10.1.0.12:8043;", "").replace("listen 8080;", `listen 127.0.0.1:${port};`);
  assert(lines.includes(gateway) && lines.includes(String(port)));
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${directory}/${name};`).join(" ");
  await Deno.writeTextFile(
    `${directory}/nginx.conf`,
    `daemon off; pid ${directory}/pid; error_log stderr crit; events {}
     http { access_log off; ${places} ${lines} }`,
  );
  const child = new Deno.Command(NGINX.path, {
    args: ["-p", directory, "-c", `${directory}/nginx.conf`],
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const stop = async () => {
    child.kill("SIGTERM");
    await child.status;
    await Deno.remove(directory, { recursive: true });
  };
  const url = `http://127.0.0.1:${port}`;
  for (const deadline = Date.now() + START_LIMIT_MS; Date.now() < deadline;) {
    const response = await fetch(`${url}/healthz`).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok) return { url, [Symbol.asyncDispose]: stop };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await stop();
  throw new Error("nginx was not ready in time");
}

async function filesBelow(directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(directory, root))) {
    const path = `${directory}${name}`;
    found.push(...isDirectory ? await filesBelow(`${path}/`) : [path]);
  }
  return found;
}
