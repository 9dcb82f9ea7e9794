import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { readPasswordHash } from "../../src/config/inbound/password_hash.ts";
import { isPassword } from "../../src/credentials/inbound/password.ts";
import { runCommand } from "../fixtures/gateway_command.ts";

async function withFile(
  content: string,
  use: (path: string, directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/gateway.json`, content);
    await use(`${directory}/gateway.json`, directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const SERVER = {
  Url: "https://store.example/dicom-web",
  TokenEndpoint: "https://login.example/token",
  ClientId: "client",
  ClientSecret: "secret",
};

function config(server: Record<string, unknown>, keys: Record<string, unknown> = {}): string {
  return JSON.stringify({
    DicomWebOAuth: { Servers: { main: { ...SERVER, ...server } }, ...keys },
  });
}

/** A mistake, the file that has it, and what the message must name. */
const MISTAKES: [mistake: string, file: string, expected: RegExp[]][] = [
  ["no JSON", '{ "DicomWebOAuth": { "Servers": ', [/CFG-002/, /line 1/i]],
  ["no section", '{ "Name": "Orthanc" }', [/CFG-001/, /DicomWebOAuth/]],
  ["no servers", '{ "DicomWebOAuth": { "Servers": {} } }', [/CFG-001/, /Servers/]],
  ["a missing key", config({ ClientId: undefined }), [/CFG-001/, /Servers\.main.*ClientId/]],
  ["a wrong type", config({ TokenRefreshBufferSeconds: "soon" }), [
    /CFG-002/,
    /Servers\.main\.TokenRefreshBufferSeconds/,
  ]],
  ["an unknown key", config({ ClientSecrt: "x" }), [/Servers\.main\.ClientSecrt/, /ClientSecret/]],
  ["an unset variable", config({ ClientSecret: "${NO_SUCH_VARIABLE_HERE}" }), [
    /CFG-003/,
    /Servers\.main\.ClientSecret/,
    /NO_SUCH_VARIABLE_HERE/,
  ]],
  ["a bad URL", config({ Url: "store.example" }), [/CFG-002/, /Servers\.main\.Url/]],
  ["an unreadable CA", config({ VerifySSL: "/no/such/ca.pem" }), [
    /Servers\.main\.VerifySSL/,
    /\/no\/such\/ca\.pem/,
  ]],
  ["VerifySSL: false", config({ VerifySSL: false }), [/Servers\.main\.VerifySSL/, /PEM/]],
  ["an open door", config({}, { Listen: { Address: "0.0.0.0" } }), [/Listen/, /AllowUnauth/]],
];

for (const command of ["serve", "check"]) {
  Deno.test(`${command}: each mistake in the configuration ends it with 78 and one clear message`, async (t) => {
    for (const [mistake, file, expected] of MISTAKES) {
      await t.step(mistake, () =>
        withFile(file, async (path) => {
          const { code, stdout, stderr } = await runCommand([command, "--config", path]);
          assert.equal(code, 78, stderr);
          assert.equal(stdout, "");
          for (const pattern of expected) assert.match(stderr, pattern);
          assert.doesNotMatch(stderr, /\n\s+at .*:\d+:\d+/, "a stack trace is no message");
        }));
    }
  });
}

Deno.test("check: all problems come at once, each with its key path", () =>
  withFile(config({ Url: "x", ClientId: 5, Scop: "y" }), async (path) => {
    const { code, stderr } = await runCommand(["check", "--config", path]);
    assert.equal(code, 78);
    for (const key of ["Url", "ClientId", "Scop"]) {
      assert.match(stderr, new RegExp(`Servers\\.main\\.${key}\\b`));
    }
  }));

Deno.test("check: shows servers, allowlist and permissions of a valid configuration", () =>
  withFile(config({}), async (path) => {
    const { code, stdout, stderr } = await runCommand(["check", "--config", path]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /main +https:\/\/store\.example\/dicom-web/);
    assert.match(stdout, /^ +login\.example:443$/m);
    assert.match(stdout, /^ +store\.example:443$/m);
    assert.match(stdout, /^ +net +127\.0\.0\.1:8043, login\.example:443, store\.example:443$/m);
    assert.match(stdout, /^ +env +none$/m);
    assert.doesNotMatch(stdout, /secret/);
  }));

Deno.test("check: values that were copied from the documentation are warnings", () =>
  withFile(
    config({ ClientId: "your-client-id", Url: "http://127.0.0.1:1/dicom-web" }),
    async (path) => {
      const { code, stderr } = await runCommand(["check", "--config", path]);
      assert.equal(code, 0, stderr);
      assert.match(
        stderr,
        /Warning: DicomWebOAuth\.Servers\.main\.ClientId: contains the placeholder/,
      );
      assert.match(stderr, /Warning: login\.example:443: names that end in \.example are those/);
      assert.doesNotMatch(stderr, /127\.0\.0\.1/);
    },
  ));

Deno.test("serve: a missing configuration file is reported", async () => {
  const { code, stderr } = await runCommand(["--config", "/no/such/gateway.json"]);
  assert.equal(code, 78);
  assert.match(stderr, /\/no\/such\/gateway\.json/);
});

Deno.test("serve: without a configuration it names the places it searched, and the demo", async () => {
  const directory = await Deno.makeTempDir();
  const { code, stderr } = await runCommand([], {
    cwd: directory,
    env: { XDG_CONFIG_HOME: directory, DICOMWEB_GATEWAY_CONFIG: "" },
  });
  assert.equal(code, 78);
  assert.match(stderr, /\/etc\/dicomweb-gateway\/gateway\.json/);
  assert.match(stderr, /deno task demo/);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("serve: a port in use ends it with 1 and names the port", () =>
  withFile(config({}), async (path) => {
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    const { code, stderr } = await runCommand(["serve", "--config", path, "--port", String(port)]);
    taken.close();
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(`port ${port}: another program uses it\\. Stop that program, or`),
    );
  }));

Deno.test("serve: an invalid port ends it with 64", async () => {
  for (const port of ["70000", "-1", "http", ""]) {
    assert.equal((await runCommand(["serve", "--port", port])).code, 64, port);
  }
});

Deno.test("command line: an unknown command or option ends it with 64", async () => {
  for (const args of [["serv"], ["check", "--confg", "x"]]) {
    const { code, stderr } = await runCommand(args);
    assert.equal(code, 64, args.join(" "));
    assert.match(stderr, /Did you mean|unknown/i);
  }
});

Deno.test("command line: --help and --version work on every command", async () => {
  const { stdout: overview } = await runCommand(["--help"]);
  for (const command of ["serve", "check", "healthcheck", "demo"]) {
    assert.match(overview, new RegExp(`^ +${command}\\b`, "m"));
    const help = await runCommand([command, "--help"]);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /--verbose/);
    const version = await runCommand([command, "--version"]);
    assert.equal(version.code, 0);
    assert.equal(version.stdout.trim(), manifest.version);
  }
  assert.equal((await runCommand(["--version"])).stdout.trim(), manifest.version);
});

Deno.test("command line: --verbose shows the stack trace of a failure", () =>
  withFile(config({}), async (path) => {
    const { stderr } = await runCommand([
      "serve",
      "--verbose",
      "--config",
      path,
      "--address",
      "192.0.2.1",
    ]);
    assert.match(stderr, /\n\s+at .*:\d+:\d+/);
  }));

Deno.test("hash-password reads standard input, takes no password from the arguments, and prints a hash alone", async () => {
  const run = async (stdin: string) => {
    const { code, stdout } = await runCommand(["hash-password"], { stdin });
    return { code, stdout };
  };
  const { code, stdout } = await run("tr\u00fcffel:and blanks \n");
  assert.equal(code, 0);
  const { hash } = readPasswordHash(stdout.trimEnd());
  assert(await isPassword("tr\u00fcffel:and blanks ", hash!));
  for (const input of ["", "\n", "two\nlines\n"]) {
    assert.deepEqual(await run(input), { code: 1, stdout: "" });
  }
  assert.equal((await runCommand(["hash-password", "secret"])).code, 64);
});

Deno.test("make-api-key prints a key and the hash for the configuration", async () => {
  const { code, stdout } = await runCommand(["make-api-key"]);
  assert.equal(code, 0);
  assert.match(stdout, /^Key .*: +[\w-]{43}\nHash .*: sha256:[0-9a-f]{64}\n$/);
});
