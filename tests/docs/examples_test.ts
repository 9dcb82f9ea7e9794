/**
 * The example configurations in `docs/examples/` load as they are, with any values in the variables
 * and secret files that they refer to.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { FEDERATION, KEY, USER } from "../config/google_harness.ts";
import { CONFIG_PATH, problemsOf } from "../config/memory_files.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { root } from "./generated_docs.ts";

const EXAMPLES = new URL("docs/examples/", root);

/** What platforms set in the environment, by example. */
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

/** Values of variables that must look like something, by name. */
const values: Readonly<Record<string, string>> = {
  HEALTHIMAGING_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
};

/** What files must hold where any text will not do. */
const contents: Readonly<Record<string, unknown>> = {
  "/run/secrets/google-service-account.json": KEY,
  [besideConfig("google-federation-credentials.json")]: FEDERATION,
  [besideConfig("application_default_credentials.json")]: USER,
};

function besideConfig(name: string): string {
  return join(dirname(CONFIG_PATH), name);
}

for (const { name } of Deno.readDirSync(EXAMPLES)) {
  if (name === "azure-certificate.json") continue;
  Deno.test(`The example ${name} loads`, () => loads(name));
}

Deno.test(needing(OPENSSL, {
  name: "The example azure-certificate.json loads",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const { keyPem, certificatePem } = await authority.issue({
      commonName: "gateway",
      key: ["rsa:2048"],
    });
    await loads("azure-certificate.json", {
      "/run/secrets/azure-client.pem": keyPem + certificatePem,
    });
  },
}));

async function loads(
  name: string,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const json = Object.entries(contents).map(([path, value]) => [path, JSON.stringify(value)]);
  const text = await Deno.readTextFile(new URL(name, EXAMPLES));
  const referred = [...text.matchAll(/\$\{([^}:]+)(?::([^}]*))?\}/g)];
  const files = referred.filter(([, kind]) => kind === "file").map(([, , path]) => [path, "s"]);
  const env = referred.filter(([, kind]) => kind !== "file")
    .map(([, variable]) => [variable!, values[variable!] ?? "value"]);
  const problems = await problemsOf(text, {
    env: { ...Object.fromEntries(env), ...platforms[name] },
    files: { ...Object.fromEntries([...files, ...json]), ...more },
  });
  assert.deepEqual(problems, []);
}
