import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { ConfigError } from "../../src/config/values/config_error.ts";
import { findConfig, stateHome } from "../../src/config/file/find_config.ts";

function environment(variables: Record<string, string>): (name: string) => string | undefined {
  return (name) => new Map(Object.entries(variables)).get(name);
}

const HERE = resolve("gateway.json");
const HOME = { HOME: "/home/g" };
const ALL = { ...HOME, XDG_CONFIG_HOME: "/xdg", DICOMWEB_GATEWAY_CONFIG: "from-env.json" };
const EVERYWHERE = [
  HERE,
  "/xdg/dicomweb-gateway/gateway.json",
  "/home/g/.config/dicomweb-gateway/gateway.json",
  "/etc/dicomweb-gateway/gateway.json",
];

const rows: readonly (readonly [
  rule: string,
  given: string | undefined,
  variables: Record<string, string>,
  files: readonly string[],
  found: string,
])[] = [
  ["--config comes first", "/srv/a.json", ALL, EVERYWHERE, "/srv/a.json"],
  ["--config is taken even if nothing is there", "a.json", HOME, [], "a.json"],
  ["then DICOMWEB_GATEWAY_CONFIG", undefined, ALL, EVERYWHERE, "from-env.json"],
  [
    "an empty DICOMWEB_GATEWAY_CONFIG names nothing",
    undefined,
    { DICOMWEB_GATEWAY_CONFIG: "" },
    EVERYWHERE,
    HERE,
  ],
  ["then the current directory", undefined, HOME, EVERYWHERE, HERE],
  [
    "then the XDG directory",
    undefined,
    { ...HOME, XDG_CONFIG_HOME: "/xdg" },
    EVERYWHERE.slice(1),
    "/xdg/dicomweb-gateway/gateway.json",
  ],
  [
    "~/.config where XDG_CONFIG_HOME is not set",
    undefined,
    HOME,
    EVERYWHERE.slice(1),
    "/home/g/.config/dicomweb-gateway/gateway.json",
  ],
  [
    "~/.config where XDG_CONFIG_HOME is relative",
    undefined,
    { ...HOME, XDG_CONFIG_HOME: "xdg" },
    [...EVERYWHERE.slice(1), resolve("xdg/dicomweb-gateway/gateway.json")],
    "/home/g/.config/dicomweb-gateway/gateway.json",
  ],
  ["then /etc", undefined, {}, EVERYWHERE.slice(1), "/etc/dicomweb-gateway/gateway.json"],
];

for (const [rule, config, variables, files, found] of rows) {
  Deno.test(`findConfig: ${rule}`, async () => {
    const exists = (path: string) => Promise.resolve(files.includes(path));
    assert.equal(await findConfig({ config, env: environment(variables), exists }), found);
  });
}

Deno.test("findConfig lists the places searched and the demo command", async () => {
  const search = findConfig({ env: environment(HOME), exists: () => Promise.resolve(false) });
  await assert.rejects(search, (error: unknown) => {
    assert(error instanceof ConfigError);
    assert.deepEqual(error.problems.map(({ code, path }) => [code, path]), [["CFG-001", ""]]);
    for (
      const named of [
        "--config",
        "DICOMWEB_GATEWAY_CONFIG",
        `${HERE} (the working directory)`,
        "/home/g/.config/dicomweb-gateway/gateway.json",
        "/etc/dicomweb-gateway/gateway.json",
        "deno task demo",
      ]
    ) assert(error.message.includes(named), named);
    return true;
  });
});

Deno.test("findConfig looks at the real file system", async () => {
  const directory = await Deno.makeTempDir();
  const env = environment({ XDG_CONFIG_HOME: directory });
  await Deno.mkdir(join(directory, "dicomweb-gateway"));
  const path = join(directory, "dicomweb-gateway", "gateway.json");
  await Deno.writeTextFile(path, "{}");
  assert.equal(await findConfig({ env }), path);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("stateHome follows XDG_STATE_HOME, then the home directory, then /var/lib", () => {
  const home = (variables: Record<string, string>) => stateHome(environment(variables));
  assert.equal(home({ ...HOME, XDG_STATE_HOME: "/state" }), "/state/dicomweb-gateway");
  assert.equal(home(HOME), "/home/g/.local/state/dicomweb-gateway");
  assert.equal(home({ ...HOME, XDG_STATE_HOME: "x" }), "/home/g/.local/state/dicomweb-gateway");
  assert.equal(home({}), "/var/lib/dicomweb-gateway");
});
