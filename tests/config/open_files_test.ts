import assert from "node:assert/strict";
import { join } from "node:path";
import { readConfig } from "../../src/config/file/load_config.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { CONFIG_PATH } from "./memory_files.ts";

/** Modes by path, the rest 0755; links by path. */
interface Files {
  readonly modes?: Readonly<Record<string, number | null>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

async function warningsOf(
  server: Readonly<Record<string, unknown>>,
  { modes = {}, links = {}, env = {} }: Files,
): Promise<readonly string[]> {
  const main = { Url: "https://store.example", ProviderType: "basic", Username: "u", ...server };
  const text = JSON.stringify({ DicomWebOAuth: { Servers: { main } } });
  const source = await readConfig(CONFIG_PATH, {
    env: (name) => ({ HOME: "/home/gateway", ...env })[name],
    readFile: (path) =>
      Promise.resolve(new TextEncoder().encode(path === CONFIG_PATH ? text : "hunter2\n")),
    fileFacts: {
      mode: (path) => Promise.resolve(path in modes ? modes[path]! : 0o755),
      realPath: (path) => Promise.resolve(links[path] ?? path),
    },
  });
  return (await parseConfig(source)).warnings;
}

const SECRET = "/srv/gateway/secrets/main";
const POD = "/etc/gateway/password";
const MADE_BY_KUBELET = "/etc/gateway/..2026_01_01_00_00_00.123/password";

const cases: [what: string, file: string, files: Files, isWarned: boolean][] = [
  ["that all may read", SECRET, { modes: { [SECRET]: 0o644 } }, true],
  ["by a relative path", "secrets/main", { modes: { [SECRET]: 0o604 } }, true],
  ["that its group may read", SECRET, { modes: { [SECRET]: 0o640 } }, false],
  [
    "below a closed directory",
    SECRET,
    { modes: { [SECRET]: 0o644, "/srv/gateway": 0o750 } },
    false,
  ],
  [
    "behind a link from a closed directory to an open one",
    SECRET,
    {
      modes: { "/srv/open": 0o644, "/srv/gateway": 0o700 },
      links: { [SECRET]: "/srv/open" },
    },
    true,
  ],
  [
    "behind a link to a closed directory",
    SECRET,
    { modes: { "/root/main": 0o644, "/root": 0o700 }, links: { [SECRET]: "/root/main" } },
    false,
  ],
  ["of Windows", SECRET, { modes: { [SECRET]: null } }, false],
  ["of Docker", "/run/secrets/main", { modes: { "/run/secrets/main": 0o444 } }, false],
  ["at the old place", "/var/run/secrets/main", { modes: { "/run/secrets/main": 0o444 } }, false],
  [
    "of a Kubernetes secret, mounted anywhere",
    POD,
    {
      modes: { [MADE_BY_KUBELET]: 0o644 },
      links: { [POD]: MADE_BY_KUBELET },
      env: { KUBERNETES_SERVICE_HOST: "10.96.0.1" },
    },
    false,
  ],
];

for (const [what, file, files, isWarned] of cases) {
  Deno.test(`A secret's file ${what} causes ${isWarned ? "a" : "no"} warning`, async () => {
    const warnings = await warningsOf({ Password: `\${file:${file}}` }, files);
    assert.equal(warnings.length, isWarned ? 1 : 0, warnings[0]);
    if (isWarned) {
      assert.match(
        warnings[0]!,
        /^\/srv\/gateway\/secrets\/main may be read by every user of this machine \(mode 06[04]4\) and contains the secret of DicomWebOAuth\.Servers\.main\.Password: run chmod 600$/,
      );
    }
  });
}

Deno.test("A file without a secret causes no warning", async () => {
  const files = { modes: { [SECRET]: 0o644 } };
  assert.deepEqual(
    await warningsOf({ Username: `\${file:${SECRET}}`, Password: "${P}" }, {
      ...files,
      env: { P: "x" },
    }),
    [],
  );
});

Deno.test({
  name: "A secret's file on disk causes a warning",
  ignore: Deno.build.os === "windows",
  async fn() {
    const directory = await Deno.makeTempDir();
    const secret = join(directory, "secret");
    const path = join(directory, "gateway.json");
    await Deno.writeTextFile(secret, "hunter2");
    await Deno.symlink(secret, join(directory, "link"));
    const server = { ProviderType: "basic", Username: "u", Password: "${file:link}" };
    await Deno.writeTextFile(
      path,
      JSON.stringify({ DicomWebOAuth: { Servers: { main: server } } }),
    );
    const warned = async (fileMode: number, directoryMode: number) => {
      await Deno.chmod(secret, fileMode);
      await Deno.chmod(directory, directoryMode);
      return (await readConfig(path, { env: () => undefined })).warnings?.length;
    };
    assert.equal(await warned(0o644, 0o755), 1);
    assert.equal(await warned(0o644, 0o700), 0);
    assert.equal(await warned(0o600, 0o755), 0);
    await Deno.remove(directory, { recursive: true });
  },
});
