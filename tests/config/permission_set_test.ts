import assert from "node:assert/strict";
import type { GatewayConfig } from "../../src/config/gateway_config.ts";
import { permissionSet } from "../../src/config/sandbox/permission_set.ts";
import { parseSection } from "./memory_files.ts";
import type { Probe } from "./permission_probe.ts";

const NOTHING = {
  read: false,
  write: false,
  env: false,
  run: false,
  ffi: false,
  sys: false,
  import: false,
};
const Servers = { a: { ProviderType: "none", Url: "https://a.example" } };
const ENCRYPTED = { EncryptionKey: btoa("0123456789abcdef0123456789abcdef") };

Deno.test("permissionSet grants the listen address and the allowlist, and nothing else", async () => {
  const config = await parseSection({ Servers, Listen: { Address: "::1" } });
  assert.deepEqual(permissionSet(config), { ...NOTHING, net: ["[::1]:8043", "a.example:443"] });
});

Deno.test("permissionSet grants the state directory for a KV file", async () => {
  const config = await parseSection({
    Servers,
    StateDirectory: "/var/lib/gateway",
    TokenCache: { Backend: "kv", ...ENCRYPTED },
  });
  assert.deepEqual(permissionSet(config), {
    ...NOTHING,
    net: ["127.0.0.1:8043", "a.example:443"],
    read: ["/var/lib/gateway"],
    write: ["/var/lib/gateway"],
  });
});

const OAUTH = { TokenEndpoint: "https://a.example/token", ClientId: "c", ClientSecret: "s" };
const AWS = { ProviderType: "aws", Region: "eu-west-1", PayloadSigning: "unsigned" };
for (
  const [what, keys, isGranted] of [
    ["acquires tokens", OAUTH, true],
    ["acquires AWS keys", AWS, true],
    ["has a fixed password", { ProviderType: "basic", Username: "u", Password: "p" }, false],
    ["has a fixed token", { ProviderType: "bearer", Token: "t" }, false],
  ] as const
) {
  const whether = isGranted ? "grants" : "does not grant";
  Deno.test(`permissionSet ${whether} the state directory by default to a gateway that ${what}`, async () => {
    const config = await parseSection({
      Servers: { a: { Url: "https://a.example", ...keys } },
      StateDirectory: "/var/lib/gateway",
    });
    const { read, write } = permissionSet(config);
    const directories = isGranted && ["/var/lib/gateway"];
    assert.deepEqual([read, write], [directories, directories]);
  });
}

Deno.test("permissionSet grants one variable and no directory for a KV service", async () => {
  const config = await parseSection({
    Servers,
    TokenCache: { Backend: "kv", Url: "https://kv.example", ...ENCRYPTED },
  }, { env: { DENO_KV_ACCESS_TOKEN: "x" } });
  assert.deepEqual(permissionSet(config), {
    ...NOTHING,
    net: ["127.0.0.1:8043", "a.example:443", "kv.example:443"],
    env: ["DENO_KV_ACCESS_TOKEN"],
  });
});

Deno.test("A worker with the permission set reaches what the configuration names and nothing else", async () => {
  const config = await parseSection({
    Listen: { Address: "::1", Port: 0 },
    StateDirectory: "/var/lib/gateway",
    TokenCache: { Backend: "kv", ...ENCRYPTED },
    Servers: {
      a: { ProviderType: "none", Url: "https://a.example" },
      b: { ProviderType: "none", Url: "http://[fd00::7]:8042" },
      c: { ProviderType: "none", Url: "http://my_store.:8042" },
    },
  });
  const net = (host: string) => ({ name: "net", host }) as const;
  const states = await probe(config, {
    listen: net("[::1]:0"),
    store: net("a.example:443"),
    v6: net("[fd00::7]:8042"),
    named: net("my_store.:8042"),
    state: { name: "write", path: "/var/lib/gateway/tokens" },
    otherPort: net("a.example:80"),
    otherHost: net("b.example:443"),
    subdomain: net("x.a.example:443"),
    metadata: net("169.254.169.254:80"),
    otherFile: { name: "read", path: "/etc/passwd" },
    otherWrite: { name: "write", path: "/var/lib" },
    env: { name: "env" },
    home: { name: "env", variable: "HOME" },
    run: { name: "run" },
    ffi: { name: "ffi" },
    sys: { name: "sys" },
    import: { name: "import", host: "jsr.io" } as unknown as Deno.PermissionDescriptor,
  });
  const granted = Object.keys(states).filter((name) => states[name] === "granted");
  assert.deepEqual(granted, ["listen", "store", "v6", "named", "state"]);
});

async function probe(
  config: GatewayConfig,
  asked: Record<string, Deno.PermissionDescriptor>,
): Promise<Probe> {
  const worker = new Worker(import.meta.resolve("./permission_probe.ts"), {
    type: "module",
    deno: { permissions: permissionSet(config) },
  });
  const answer = Promise.withResolvers<Probe>();
  worker.onmessage = ({ data }) => answer.resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    answer.reject(new Error(event.message));
  };
  worker.postMessage(asked);
  try {
    return await answer.promise;
  } finally {
    worker.terminate();
  }
}
