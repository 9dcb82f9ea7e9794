/**
 * `docker/compose.yaml` and its mounted files, as far as they can be checked without a container
 * engine. `tests/e2e/compose_test.ts` shows with real programs that the parts work together.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { networkAllowlist } from "../../src/config/sandbox/contacts.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { makeApiKey } from "../../src/credentials/inbound/api_keys.ts";
import { CONFIG_PATH, loadFromMemory } from "../config/memory_files.ts";
import { composeSpecification } from "../fixtures/compose_specification.ts";
import { OPENSSL } from "../fixtures/certificate_authority.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { runProgram } from "../fixtures/run_program.ts";
import realm from "../../docker/keycloak/realm.json" with { type: "json" };
import gateway from "../../docker/gateway/gateway.json" with { type: "json" };
import store from "../../docker/store/gateway.json" with { type: "json" };

const DOCKER = fileURLToPath(new URL("../../docker/", import.meta.url));
const VARIABLE = /\$\{([A-Z_]+)/g;

// deno-lint-ignore no-explicit-any -- the schema is what is tested
type Compose = any;

const text = await Deno.readTextFile(`${DOCKER}compose.yaml`);
const compose: Compose = parse(text);

Deno.test("compose.yaml conforms to the Compose Specification", () => {
  const isCompose = new Ajv({ strict: false, logger: false }).compile(composeSpecification());
  assert(isCompose(withoutName(compose)), JSON.stringify(isCompose.errors, null, 1));
  const wrong = structuredClone(withoutName(compose));
  wrong.services.gateway.readonly = true;
  assert(!isCompose(wrong));
});

Deno.test("compose.yaml: no image floats, every service is monitored and restarts", () => {
  for (const [name, service] of Object.entries<Compose>(compose.services)) {
    assert.match(service.image, /:\d+\.\d+\.\d+$/, name);
    assert.equal(service.restart, "unless-stopped", name);
    assert(service.healthcheck ?? service.build, `${name} has no health check`);
    for (const { condition } of Object.values<Compose>(service.depends_on ?? {})) {
      assert.equal(condition, "service_healthy");
    }
  }
});

Deno.test("compose.yaml: only Orthanc shares a network with the address that the gateway listens at", () => {
  const address = gateway.DicomWebOAuth.Listen.Address;
  assert.equal(compose.services.gateway.networks.clinic.ipv4_address, address);
  const inClinic = Object.entries<Compose>(compose.services)
    .filter(([, { networks }]) =>
      (Array.isArray(networks) ? networks : Object.keys(networks)).includes("clinic")
    ).map(([name]) => name);
  assert.deepEqual(inClinic.sort(), ["gateway", "orthanc"]);
  const published = Object.entries<Compose>(compose.services).filter(([, { ports }]) => ports);
  assert.deepEqual(published.map(([name, { ports }]) => [name, ports]), [
    ["orthanc", ["127.0.0.1:8042:8042"]],
  ]);
  for (const name of ["clinic", "internet", "vault"]) assert(compose.networks[name].internal);
});

Deno.test(
  needing(OPENSSL, {
    name: "compose.yaml: its mounts exist or are created by prepare.sh",
    async fn() {
      const directory = await prepared();
      for (const { volumes } of Object.values<Compose>(compose.services)) {
        for (
          const [source = ""] of volumes.map((volume: string) => volume.split(":"))
        ) {
          if (!source.startsWith("./")) continue;
          const made = await exists(`${directory}/${source}`);
          assert(made !== await exists(`${DOCKER}${source}`), source);
        }
      }
      assert(await exists(`${directory}/${compose.secrets["client-secret"].file}`));
      await Deno.remove(directory, { recursive: true });
    },
  }),
);

Deno.test(
  needing(OPENSSL, {
    name: "prepare.sh sets the required variables once, with one secret for both ends",
    async fn() {
      const directory = await prepared();
      const env = await Deno.readTextFile(`${directory}/.env`);
      const values = new Map(
        env.trim().split("\n").map((line) => line.split(/=(.*)/s, 2) as [string, string]),
      );
      const example = await Deno.readTextFile(`${DOCKER}.env.example`);
      const named = [...example.matchAll(/^([A-Z_]+)=$/gm)].map(([, name]) => name!);
      const used = [...text.matchAll(VARIABLE)].map(([, name]) => name!);
      assert.deepEqual([...values.keys()].sort(), named.sort());
      assert.deepEqual([...new Set(used)].sort(), named);
      for (const [name, value] of values) assert(value.length >= 40, name);

      const secret = await Deno.readTextFile(`${directory}/secrets/client-secret`);
      assert.equal(secret.trimEnd(), values.get("GATEWAY_CLIENT_SECRET"));
      const form = makeApiKey();
      assert.equal(values.get("GATEWAY_API_KEY")?.length, form.key.length);
      assert.match(values.get("GATEWAY_API_KEY_HASH")!, /^sha256:[0-9a-f]{64}$/);
      for (const closed of ["secrets", "certificates"]) {
        assert.equal((await Deno.stat(`${directory}/${closed}`)).mode! & 0o077, 0);
      }
      assert.equal((await Deno.stat(`${directory}/.env`)).mode! & 0o077, 0);

      await prepare(directory);
      assert.equal(await Deno.readTextFile(`${directory}/.env`), env);
      await Deno.remove(directory, { recursive: true });
    },
  }),
);

Deno.test(
  needing(OPENSSL, {
    name: "The configurations that compose.yaml mounts are valid, and reach only their neighbours",
    async fn() {
      const directory = await prepared();
      const certificates = ["authority.crt", "store.crt", "store.key"];
      const files: Record<string, string> = { "/run/secrets/client-secret": "secret" };
      for (const name of certificates) {
        files[join(dirname(CONFIG_PATH), name)] = await Deno.readTextFile(
          `${directory}/certificates/${name}`,
        );
      }
      const env = { GATEWAY_API_KEY_HASH: makeApiKey().hash };
      const reach = async (section: typeof gateway | typeof store) =>
        networkAllowlist(await parseConfig(await loadFromMemory(section, { files, env })));
      assert.deepEqual(await reach(gateway), ["keycloak:8443", "store:8043"]);
      assert.deepEqual(await reach(store), ["archive:8042", "keycloak:8443"]);
      await Deno.remove(directory, { recursive: true });
    },
  }),
);

Deno.test("Keycloak's realm has the client, the secret and the audience of the two gateways", () => {
  const { Servers: { cloud } } = gateway.DicomWebOAuth;
  const { Authentication: { Jwt: { keycloak } } } = store.DicomWebOAuth;
  const { KC_HOSTNAME, ...environment } = compose.services.keycloak.environment;
  assert.equal(cloud.Issuer, `${KC_HOSTNAME}/realms/${realm.realm}`);
  assert.equal(keycloak.Issuer, cloud.Issuer);
  const [client, ...others] = realm.clients;
  assert.deepEqual(others, []);
  assert.equal(client?.clientId, cloud.ClientId);
  assert.equal(client?.serviceAccountsEnabled, true);
  assert.equal(client?.publicClient, false);
  for (const flow of ["standardFlowEnabled", "implicitFlowEnabled", "directAccessGrantsEnabled"]) {
    assert.equal(client?.[flow as "standardFlowEnabled"], false);
  }
  const [, variable] = /^\$\{([A-Z_]+)\}$/.exec(client!.secret)!;
  assert(Object.hasOwn(environment, variable!));
  const [mapper] = client!.protocolMappers;
  assert.equal(mapper?.config["included.custom.audience"], keycloak.Audience);
  assert.equal(mapper?.config["access.token.claim"], "true");
});

/** Runs prepare.sh in a directory of its own. */
async function prepared(): Promise<string> {
  const directory = await Deno.makeTempDir();
  await prepare(directory);
  return directory;
}

async function prepare(directory: string): Promise<void> {
  const { success, stderr } = await runProgram("sh", [`${DOCKER}prepare.sh`, directory]);
  assert(success, stderr);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** The top-level name is newer than the published schema. */
function withoutName({ name: _, ...rest }: Compose): Compose {
  return rest;
}
