/**
 * `docker/cloud/`: the quick start for a cloud store of one's own, without a container engine. The
 * gateway of its configuration is a process, which starts from the values of `.env`.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { composeSpecification } from "../fixtures/compose_specification.ts";
import { loadConfig } from "../../src/config/file/load_config.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { serveLoopback } from "../fixtures/listening.ts";
import { startTokenEndpoint } from "../fixtures/token_endpoint.ts";

const DIRECTORY = fileURLToPath(new URL("../../docker/cloud/", import.meta.url));
const IMAGE = fileURLToPath(new URL("../../docker/Dockerfile", import.meta.url));
const { name: _, ...compose } = parse(await Deno.readTextFile(`${DIRECTORY}compose.yaml`));
const { gateway } = compose.services;
const example = Object.fromEntries(
  (await Deno.readTextFile(`${DIRECTORY}.env.example`)).split("\n")
    .filter((line) => /^[A-Z]/.test(line)).map((line) => line.split(/=(.*)/s, 2)),
);

Deno.test("docker/cloud/compose.yaml conforms to the Compose Specification", () => {
  const isCompose = new Ajv({ strict: false, logger: false }).compile(composeSpecification());
  assert(isCompose(compose), JSON.stringify(isCompose.errors, null, 1));
});

Deno.test("docker/cloud: .env.example has each variable that compose.yaml requires, and the gateway gets it", () => {
  const required = Object.entries<string>(gateway.environment).map(([name, value]) => {
    assert(value.startsWith(`\${${name}:?`), value);
    return name;
  });
  assert.deepEqual(Object.keys(example), required);
});

Deno.test("docker/cloud: the gateway without authentication is published on loopback only", () => {
  for (const port of gateway.ports) assert.match(port, /^127\.0\.0\.1:/);
});

Deno.test("docker/cloud: tokens are kept in a volume at the state directory of the image", async () => {
  const [, volume] = gateway.volumes;
  const [name, path] = volume.split(":");
  assert(name in compose.volumes);
  const image = await Deno.readTextFile(IMAGE);
  assert.equal(path, `${/XDG_STATE_HOME=(\S+)/.exec(image)?.[1]}/dicomweb-gateway`);
});

Deno.test("docker/cloud: the configuration is valid with the values of .env.example", async () => {
  const { servers } = await loadConfig(`${DIRECTORY}gateway.json`, {
    env: (name) => example[name],
  });
  const { url, credentials } = servers.get("cloud")!;
  assert.equal(url, example.STORE_URL);
  assert.equal(credentials.kind, "client_credentials");
});

Deno.test("docker/cloud: after the start, curl gets the status, and the store without a password", async () => {
  const provider = startTokenEndpoint();
  await using store = serveLoopback(({ headers }) => {
    const token = headers.get("authorization")?.replace("Bearer ", "") ?? "";
    return new Response("[]", { status: provider.issued.includes(token) ? 200 : 401 });
  });
  const text = (await Deno.readTextFile(`${DIRECTORY}gateway.json`)).replace(/\/\/.*/, "");
  const { Listen, ...section } = JSON.parse(text).DicomWebOAuth;
  await using process = await startGateway(
    { ...section, Listen: { ...Listen, Address: "127.0.0.1", Port: 0 } },
    {
      env: {
        STORE_URL: `${store.url}/dicom-web`,
        TOKEN_ENDPOINT: provider.serverKeys.TokenEndpoint!,
        OAUTH_CLIENT_ID: provider.serverKeys.ClientId!,
        OAUTH_CLIENT_SECRET: provider.serverKeys.ClientSecret!,
        OAUTH_SCOPE: "dicom",
      },
    },
  );
  for (const path of ["dicomweb-oauth/status", "dicom-web/cloud/studies"]) {
    const response = await fetch(`${process.url}/${path}`);
    await response.body?.cancel();
    assert.equal(response.status, 200, path);
  }
  await process.stop();
  await provider.close();
});
