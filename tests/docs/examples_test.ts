/**
 * The example configurations in `docs/examples/` load unchanged, with any values in their variables
 * and secret files.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { dirname, join } from "node:path";
import { FEDERATION, KEY, USER } from "../config/google_harness.ts";
import { CONFIG_PATH, problemsOf } from "../config/memory_files.ts";
import { CertificateAuthority, type KeyPair, OPENSSL } from "../fixtures/certificate_authority.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { root } from "./generated_docs.ts";

const EXAMPLES = new URL("docs/examples/", root);

/** Example variables of the platforms. */
const platforms: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "aws-container.json": { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/credentials/1" },
  "azure-aks.json": {
    AZURE_CLIENT_ID: "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    AZURE_TENANT_ID: "72f988bf-86f1-41af-91ab-2d7cd011db47",
    AZURE_FEDERATED_TOKEN_FILE: "/var/run/secrets/azure/tokens/azure-identity-token",
    AZURE_AUTHORITY_HOST: "https://login.microsoftonline.com/",
  },
  "aws-environment.json": {
    AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
  },
};

/** Variables with a required format. */
const values: Readonly<Record<string, string>> = {
  HEALTHIMAGING_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
};

/** Files with a required format. */
const contents: Readonly<Record<string, unknown>> = {
  "/run/secrets/audit-key": "a key of thirty-two characters or more",
  "/run/secrets/google-service-account.json": KEY,
  [besideConfig("google-federation-credentials.json")]: FEDERATION,
  [besideConfig("application_default_credentials.json")]: USER,
};

function besideConfig(name: string): string {
  return join(dirname(CONFIG_PATH), name);
}

/** A signing key for the algorithm of an example. */
const PRIVATE_KEY = String(
  generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey
    .export({ format: "pem", type: "pkcs8" }),
);

/** The files of examples that need a certificate with its key. */
const certificates: Readonly<Record<string, (pair: KeyPair) => Record<string, string>>> = {
  "audit-syslog.json": ({ certificatePem }) => ({
    "/etc/dicomweb-gateway/clinic-ca.crt": certificatePem,
  }),
  "azure-certificate.json": ({ keyPem, certificatePem }) => ({
    "/run/secrets/azure-client.pem": keyPem + certificatePem,
  }),
  "oauth2-mutual-tls.json": ({ keyPem, certificatePem }) => ({
    "/etc/dicomweb-gateway/client.crt": certificatePem,
    "/etc/dicomweb-gateway/client.key": keyPem,
    "/etc/dicomweb-gateway/clinic-ca.crt": certificatePem,
  }),
};

for (const { name } of Deno.readDirSync(EXAMPLES)) {
  if (Object.hasOwn(certificates, name)) continue;
  Deno.test(`The example ${name} loads`, () => loads(name));
}

for (const [name, files] of Object.entries(certificates)) {
  Deno.test(needing(OPENSSL, {
    name: `The example ${name} loads`,
    async fn() {
      await using authority = await CertificateAuthority.create();
      await loads(name, files(await authority.issue({ commonName: "gateway", key: ["rsa:2048"] })));
    },
  }));
}

async function loads(
  name: string,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const json = Object.entries(contents).map(([path, value]) => [path, JSON.stringify(value)]);
  const text = await Deno.readTextFile(new URL(name, EXAMPLES));
  const referred = [...text.matchAll(/\$\{([^}:]+)(?::([^}]*))?\}/g)];
  const files = referred.filter(([, kind]) => kind === "file").map(([, , path]) => [
    path,
    path?.startsWith("/run/secrets/gateway-key") ? PRIVATE_KEY : "s",
  ]);
  const env = referred.filter(([, kind]) => kind !== "file")
    .map(([, variable]) => [variable!, values[variable!] ?? "value"]);
  const problems = await problemsOf(text, {
    env: { ...Object.fromEntries(env), ...platforms[name] },
    files: { ...Object.fromEntries([...files, ...json]), ...more },
  });
  assert.deepEqual(problems, []);
}
