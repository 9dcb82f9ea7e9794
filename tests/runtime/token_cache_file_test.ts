/**
 * The default token cache: a file in the state directory with its key, or memory without a usable
 * directory. Running gateways: `tests/e2e/tokens_test.ts`.
 */
import assert from "node:assert/strict";
import type { GatewayConfig } from "../../src/config/gateway_config.ts";
import { permissionSet } from "../../src/config/sandbox/permission_set.ts";
import { ConfigError } from "../../src/config/values/config_error.ts";
import { isStateOptional, prepareState } from "../../src/runtime/token_cache_file.ts";
import { parseSection } from "../config/memory_files.ts";
import { runWithConfig } from "../fixtures/gateway_command.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";

const KEY = btoa("0123456789abcdef0123456789abcdef");
const HAS_MODES = Deno.build.os !== "windows";
const OAUTH = {
  Url: "https://store.example",
  TokenEndpoint: "https://idp.example/token",
  ClientId: "c",
  ClientSecret: "s",
};
const AWS = {
  Url: "https://dicom-medical-imaging.eu-west-1.amazonaws.com/datastore/0123456789abcdef",
  ProviderType: "aws",
  AccessKeyId: "AKIAIOSFODNN7EXAMPLE",
  SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};

async function withDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function configured(
  StateDirectory: string,
  TokenCache?: Record<string, unknown>,
  main: Record<string, unknown> = OAUTH,
): Promise<GatewayConfig> {
  return parseSection({ StateDirectory, Servers: { main }, ...(TokenCache && { TokenCache }) });
}

function keysOf({ tokenCache }: GatewayConfig): string[] {
  assert(tokenCache.backend === "kv");
  return tokenCache.encryptionKeys.map((key) => key.reveal());
}

const namesIn = (directory: string) => [...Deno.readDirSync(directory)].map(({ name }) => name);

Deno.test("prepareState creates a key for the default cache, private and once", async () => {
  await withDirectory(async (directory) => {
    const state = `${directory}/state`;
    const logger = new MemoryLogger();
    const config = await configured(state);
    const [key] = keysOf(await prepareState(config, logger));
    assert.equal(atob(key!).length, 32);
    assert.deepEqual(namesIn(state), ["tokens.key"]);
    if (HAS_MODES) assert.equal((await Deno.stat(`${state}/tokens.key`)).mode! & 0o777, 0o600);
    assert.deepEqual(keysOf(await prepareState(config, logger)), [key]);
    assert.deepEqual(logger.lines, []);
  });
});

for (
  const [before, content] of [["none", undefined], ["an empty one", ""], ["half of one", "AAAA"]]
) {
  Deno.test(`prepareState gives gateways that start at once the same key; before there was ${before}`, async () => {
    await withDirectory(async (directory) => {
      const state = `${directory}/state`;
      const path = `${state}/tokens.key`;
      const config = await configured(state);
      await Deno.mkdir(state, { mode: 0o700 });
      if (content !== undefined) await Deno.writeTextFile(path, content, { mode: 0o600 });
      const all = await Promise.all(
        Array.from({ length: 20 }, () => prepareState(config, new MemoryLogger())),
      );
      const key = (await Deno.readTextFile(path)).trim();
      assert.deepEqual(new Set(all.flatMap(keysOf)), new Set([key]));
      assert.deepEqual(namesIn(state), ["tokens.key"]);
    });
  });
}

for (const [what, content] of [["empty", ""], ["cut off", KEY.slice(0, 20)]] as const) {
  Deno.test(`prepareState replaces a key that is ${what}`, async () => {
    await withDirectory(async (directory) => {
      const state = `${directory}/state`;
      await Deno.mkdir(state, { mode: 0o700 });
      await Deno.writeTextFile(`${state}/tokens.key`, content, { mode: 0o600 });
      const [key] = keysOf(await prepareState(await configured(state), new MemoryLogger()));
      assert.equal(atob(key!).length, 32);
      assert.equal((await Deno.readTextFile(`${state}/tokens.key`)).trim(), key);
    });
  });
}

Deno.test("prepareState writes no key if one is configured", async () => {
  await withDirectory(async (directory) => {
    const config = await configured(`${directory}/state`, { EncryptionKey: KEY });
    assert.deepEqual(keysOf(await prepareState(config, new MemoryLogger())), [KEY]);
    assert.deepEqual(namesIn(`${directory}/state`), []);
  });
});

for (
  const [what, TokenCache, main] of [
    ["the cache is in memory", { Backend: "memory" }, OAUTH],
    ["no server has tokens", undefined, { Url: "https://a.example", ProviderType: "none" }],
    ["the cache is a server", {
      Backend: "redis",
      Url: "redis://cache",
      EncryptionKey: KEY,
    }, OAUTH],
  ] as const
) {
  Deno.test(`prepareState creates no state directory if ${what}`, async () => {
    await withDirectory(async (directory) => {
      const config = await configured(`${directory}/state`, TokenCache, main);
      assert.equal(await prepareState(config, new MemoryLogger()), config);
      assert.equal(permissionSet(config).write, false);
      assert.deepEqual(namesIn(directory), []);
    });
  });
}

/** Directories that cannot be written to, also by root. */
const UNWRITABLE: readonly (readonly [what: string, path: string])[] = Deno.build.os === "linux"
  ? [["cannot be created", "/proc/dicomweb-gateway"], ["is read-only", "/proc/self/fd"]]
  : [];
for (const [what, path] of UNWRITABLE) {
  for (const TokenCache of [undefined, { Backend: "kv" }, { EncryptionKey: KEY }]) {
    const written = JSON.stringify(TokenCache ?? "nothing");
    Deno.test(`prepareState caches in memory if the directory ${what}; configured: ${written}`, async () => {
      const logger = new MemoryLogger();
      const prepared = await prepareState(await configured(path, TokenCache), logger);
      assert.deepEqual(prepared.tokenCache, { backend: "memory" });
      assert.equal(permissionSet(prepared).write, false);
      const [entry, ...more] = logger.lines;
      assert.deepEqual(more, []);
      assert.match(
        JSON.stringify(entry),
        /"warn".*Cannot use the state directory; tokens are cached in memory only\. .*Backend/,
      );
    });
  }
}

const REDIS = { Backend: "redis", Url: "redis://cache", EncryptionKey: KEY };
const KV_SERVICE = { Backend: "kv", Url: "https://kv.example/v2", EncryptionKey: KEY };
/** Undefined: the gateway does not start. */
type Effect = string | undefined;
const NEEDS: readonly (readonly [
  what: string,
  TokenCache: Record<string, unknown> | undefined,
  distance: "near" | "far",
  more: Record<string, unknown>,
  effects: { readonly insecure: Effect; readonly unwritable: Effect } | "no need",
])[] = [
  ["memory", { Backend: "memory" }, "near", {}, "no need"],
  ["redis", REDIS, "near", {}, "no need"],
  ["a KV service", KV_SERVICE, "near", {}, "no need"],
  ["memory", { Backend: "memory" }, "far", { UploadDiskMebibytes: 0 }, "no need"],
  ["redis", REDIS, "far", { UploadDiskMebibytes: 0 }, "no need"],
  ...([["memory", { Backend: "memory" }], ["redis", REDIS], ["a KV service", KV_SERVICE]] as const)
    .map(([what, TokenCache]) =>
      [what, TokenCache, "far", {}, {
        insecure: "uploads are held in memory only",
        unwritable: "uploads are held in memory only",
      }] as const
    ),
  ["the default", undefined, "near", {}, {
    insecure: "tokens are cached in memory only",
    unwritable: "tokens are cached in memory only",
  }],
  ["the default", undefined, "far", {}, {
    insecure: "tokens are cached and uploads are held in memory only",
    unwritable: "tokens are cached and uploads are held in memory only",
  }],
  ["the default", undefined, "far", { UploadDiskMebibytes: 0 }, {
    insecure: "tokens are cached in memory only",
    unwritable: "tokens are cached in memory only",
  }],
  ["a KV file", { Backend: "kv" }, "far", {}, {
    insecure: undefined,
    unwritable: "tokens are cached and uploads are held in memory only",
  }],
];
for (const [what, TokenCache, Distance, more, effects] of NEEDS) {
  const parsed = (StateDirectory: string) =>
    parseSection({
      ...more,
      StateDirectory,
      Servers: { main: { ...OAUTH, Distance } },
      ...(TokenCache && { TokenCache }),
    }, { env: { DENO_KV_ACCESS_TOKEN: "t" } });
  const where = `cache: ${what}, ${Distance} ${JSON.stringify(more)}`;
  Deno.test({
    name: `prepareState and check agree on a state directory open to others; ${where}`,
    ignore: !HAS_MODES,
    async fn() {
      await withDirectory(async (directory) => {
        await Deno.chmod(directory, 0o755);
        const config = await parsed(directory);
        const logger = new MemoryLogger();
        if (effects === "no need") {
          assert.equal(await prepareState(config, logger), config);
          assert.deepEqual(logger.lines, []);
          assert.equal(permissionSet(config).write, false);
          return;
        }
        const effect = effects.insecure;
        assert.equal(isStateOptional(config), effect !== undefined);
        if (effect === undefined) {
          await assert.rejects(() => prepareState(config, logger), ConfigError);
          return;
        }
        await checkWithout(config, logger, effect);
        assert.deepEqual(namesIn(directory), []);
      });
    },
  });
  for (const [fault, path] of UNWRITABLE) {
    Deno.test(`prepareState with a state directory that ${fault}; ${where}`, async () => {
      const config = await parsed(path);
      const logger = new MemoryLogger();
      if (effects !== "no need") return await checkWithout(config, logger, effects.unwritable!);
      assert.equal(await prepareState(config, logger), config);
      assert.deepEqual(logger.lines, []);
    });
  }
}

async function checkWithout(
  config: GatewayConfig,
  logger: MemoryLogger,
  effect: string,
): Promise<void> {
  const reasons: string[] = [];
  const prepared = await prepareState(config, logger, (reason) => void reasons.push(reason));
  assert.equal(permissionSet(prepared).write, false);
  assert.equal(prepared.uploads.diskBytes, 0);
  assert.equal(reasons.length, 1);
  const { message } = logger.lines[0]!;
  assert(message.startsWith(`Cannot use the state directory; ${effect}. `), message);
  assert.equal(/UploadDiskMebibytes to 0/.test(message), /uploads/.test(effect), message);
  assert.equal(/Backend to "memory"/.test(message), /tokens/.test(effect), message);
}

Deno.test({
  name: "prepareState writes nothing to a directory open to others, and refuses it if configured",
  ignore: !HAS_MODES,
  async fn() {
    await withDirectory(async (directory) => {
      await Deno.chmod(directory, 0o755);
      const logger = new MemoryLogger();
      const prepared = await prepareState(await configured(directory), logger);
      assert.deepEqual(prepared.tokenCache, { backend: "memory" });
      assert.match(JSON.stringify(logger.lines), /others than the gateway's user may use/);
      await assert.rejects(
        async () => await prepareState(await configured(directory, { Backend: "kv" }), logger),
        ConfigError,
      );
      // Bodies are signed there: without the directory, large ones would fail.
      await assert.rejects(
        async () => await prepareState(await configured(directory, undefined, AWS), logger),
        ConfigError,
      );
      assert.deepEqual(namesIn(directory), []);
    });
  },
});

Deno.test("check says once who can read tokens, and how to prevent it", async () => {
  const said = /with the key that encrypts them: who can read that directory can read the tokens/g;
  const count = async (TokenCache?: Record<string, unknown>) => {
    const section = { Servers: { main: OAUTH }, ...(TokenCache && { TokenCache }) };
    const { code, stdout, stderr } = await runWithConfig(section, ["check"]);
    assert.equal(code, 0, stderr);
    return stdout.match(said)?.length ?? 0;
  };
  assert.equal(await count(), 1);
  assert.equal(await count({ Backend: "memory" }), 0);
  assert.equal(await count({ EncryptionKey: KEY }), 0);
});

Deno.test({
  name: "check warns of a state directory that only uploads need",
  ignore: !HAS_MODES,
  async fn() {
    await withDirectory(async (directory) => {
      await Deno.chmod(directory, 0o755);
      const { code, stdout, stderr } = await runWithConfig({
        Servers: { main: { ...OAUTH, Distance: "far" } },
        TokenCache: { Backend: "memory" },
        StateDirectory: directory,
      }, ["check"]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /StateDirectory: uploads are held in memory only, because others/);
      assert.match(stdout, /far: StoreBatchBytes 16777216, StoreConcurrency 8, /);
    });
  },
});

Deno.test({
  name: "check warns of a default state directory that is open to others: the gateway starts",
  ignore: !HAS_MODES,
  async fn() {
    await withDirectory(async (directory) => {
      await Deno.chmod(directory, 0o755);
      const section = { Servers: { main: OAUTH }, StateDirectory: directory };
      const { code, stderr } = await runWithConfig(section, ["check"]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /StateDirectory: tokens are cached in memory only, because others/);
    });
  },
});
