/**
 * The configurations of the quick starts load verbatim, with any content in their files, and
 * Orthanc's configuration points to a configured server.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { dirname, join } from "node:path";
import { KEY } from "../config/google_harness.ts";
import { CONFIG_PATH, problemsOf } from "../config/memory_files.ts";
import { root } from "./generated_docs.ts";

const DIRECTORY = new URL("docs/quick-starts/", root);

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** Contents of the files beside the configuration. */
const files = Object.fromEntries(
  Object.entries({
    "client-secret": "a secret",
    "secret-access-key": "a secret",
    "service-account.json": JSON.stringify(KEY),
    "gateway-key.pem": String(privateKey.export({ format: "pem", type: "pkcs8" })),
  }).map(([name, content]) => [join(dirname(CONFIG_PATH), name), content]),
);

for (const { name } of Deno.readDirSync(DIRECTORY)) {
  if (name === "README.md") continue;
  Deno.test(`quick start ${name}: its configuration loads, and Orthanc's refers to its server`, async () => {
    const text = await Deno.readTextFile(new URL(name, DIRECTORY));
    const [gateway = "", orthanc] = [...text.matchAll(/^```json\n([\s\S]*?)^```$/gm)]
      .map(([, json]) => json!);
    assert(gateway.includes('"DicomWebOAuth"'));
    assert.deepEqual(await problemsOf(gateway, { files }), []);
    if (orthanc === undefined) return;
    const servers = Object.entries<{ Url: string }>(JSON.parse(orthanc).DicomWeb.Servers);
    const [server, { Url }] = servers[0]!;
    assert.equal(Url, `http://127.0.0.1:8043/dicom-web/${server}`);
    assert(Object.hasOwn(JSON.parse(gateway).DicomWebOAuth.Servers, server));
    assert(text.includes(`/dicom-web/servers/${server}/stow`));
  });
}
