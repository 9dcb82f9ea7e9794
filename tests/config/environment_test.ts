import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { START_FLAGS } from "../../deploy/deno_flags.ts";
import { startGateway } from "../fixtures/gateway_process.ts";

const MODULE = import.meta.resolve("../../src/config/environment.ts");

/** Variable → whether it is left to the runtime. */
const variables: readonly [name: string, isLeft: boolean][] = [
  ["STORE_SECRET", false],
  ["AWS_SECRET_ACCESS_KEY", false],
  ["AZURE_CLIENT_SECRET", false],
  ["DENO_AUTH_TOKENS", false],
  ["PATHS", false],
  ["MY_PATH", false],
  ["DENO_TLS_CA_STORE", true],
  ["OTEL_DENO", true],
  ["SSL_CERT_FILE", true],
  ["TZ", true],
  ["LC_ALL", true],
  ["TMPDIR", true],
];

Deno.test("hideEnvironment hides variables that only the configuration refers to", async () => {
  const names = JSON.stringify(variables.map(([name]) => name));
  const source = `
    const { environmentVariable, hideEnvironment } = await import(${JSON.stringify(MODULE)});
    hideEnvironment();
    hideEnvironment();
    console.log(JSON.stringify(${names}.map((name) => [
      name,
      Deno.env.get(name),
      environmentVariable(name),
    ])));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", source],
    env: Object.fromEntries(variables.map(([name]) => [name, `value of ${name}`])),
  }).output();
  const expected = variables.map(([name, isLeft]) => {
    const value = `value of ${name}`;
    return [name, isLeft ? value : null, value];
  });
  assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), expected);
});

Deno.test("serve: the configuration may refer to variables that are hidden, also when it is read again", async () => {
  const stores = [1, 2].map((number) =>
    Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => Response.json([`${number} ${request.headers.get("authorization")}`]),
    )
  );
  const [first = "", second = ""] = stores.map(({ addr }) => `http://127.0.0.1:${addr.port}/`);
  const config = (url: string, token: string) => ({
    Servers: { main: { Url: url, ProviderType: "bearer", Token: token } },
  });
  await using gateway = await startGateway(config("${FIRST_URL}", "${FIRST_TOKEN}"), {
    env: { FIRST_URL: first, FIRST_TOKEN: "one", SECOND_URL: second, SECOND_TOKEN: "two" },
  });
  const ask = async () =>
    (await (await fetch(`${gateway.url}/dicom-web/main/studies`)).json())[0] as string;
  assert.equal(await ask(), "1 Bearer one");
  await gateway.writeConfig(config("${SECOND_URL}", "${SECOND_TOKEN}"));
  gateway.signal("SIGHUP");
  while (await ask() !== "2 Bearer two") await new Promise((resolve) => setTimeout(resolve, 20));
  await gateway.stop();
  await Promise.all(stores.map((store) => store.shutdown()));
});

Deno.test("serve: the process of the gateway has no variables but the runtime's when it listens", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${directory}/gateway.json`,
    JSON.stringify({
      DicomWebOAuth: {
        Listen: { Address: "127.0.0.1", Port: 0 },
        StateDirectory: `${directory}/state`,
        Servers: {
          main: { Url: "http://127.0.0.1:1/", ProviderType: "bearer", Token: "${SECRET}" },
        },
      },
    }),
  );
  // From inside the process: /proc shows the environment of its start only.
  await Deno.writeTextFile(
    `${directory}/main.ts`,
    `import { run } from ${JSON.stringify(import.meta.resolve("../../src/cli/run.ts"))};
    run(["serve", "--config", ${JSON.stringify(`${directory}/gateway.json`)}]);
    setInterval(() => console.error("SECRET is", Deno.env.get("SECRET") ?? "hidden"), 20);`,
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      ...START_FLAGS,
      "--config",
      fileURLToPath(new URL("../../deno.json", import.meta.url)),
      `${directory}/main.ts`,
    ],
    env: { SECRET: "a-secret", NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let output = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (/Listening[^]*SECRET is .*\n/.test(output)) break;
  }
  child.kill();
  await child.status;
  const whileListening = output.slice(output.indexOf("Listening"));
  assert.match(whileListening, /SECRET is hidden\n/);
  assert.doesNotMatch(whileListening, /a-secret/);
  await Deno.remove(directory, { recursive: true });
});

Deno.test({
  name: "environmentVariable never quotes a variable that is not UTF-8, which may be a secret",
  // Windows has no such variables.
  ignore: Deno.build.os === "windows",
  async fn() {
    const source = `
      const { environmentVariable, hideEnvironment } = await import(${JSON.stringify(MODULE)});
      hideEnvironment();
      console.log(JSON.stringify(environmentVariable("STORE_SECRET")));`;
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: [
        "-c",
        `STORE_SECRET="$(printf 'p\\344ss')" exec "$0" eval --no-config "$1"`,
        Deno.execPath(),
        source,
      ],
    }).output();
    assert.equal(new TextDecoder().decode(stderr), "");
    assert.equal(JSON.parse(new TextDecoder().decode(stdout)), "\uFFFD");
  },
});
