/** Redirects of the services that give credentials away without asking for a token endpoint. */
import assert from "node:assert/strict";
import { Secret } from "../../src/config/values/secret.ts";
import { assumedRoleSource } from "../../src/credentials/aws/assumed_role_source.ts";
import { AwsClock } from "../../src/credentials/aws/aws_clock.ts";
import { containerKeysSource } from "../../src/credentials/aws/container_keys_source.ts";
import { instanceMetadataSource } from "../../src/credentials/aws/instance_metadata_source.ts";
import { webIdentitySource } from "../../src/credentials/aws/web_identity_source.ts";
import { managedIdentitySource } from "../../src/credentials/azure/managed_identity_source.ts";
import { metadataSource } from "../../src/credentials/google/metadata_source.ts";
import type { ProviderConnection } from "../../src/credentials/provider_exchange.ts";
import type { TokenSource } from "../../src/credentials/token.ts";
import { serveLoopback } from "../fixtures/listening.ts";
import { failureOf, never, withConnection } from "./source_harness.ts";

const SECRET = "marked-secret";
const ROLE = "arn:aws:iam::123456789012:role/Gateway";

const managed = (
  service: Parameters<typeof managedIdentitySource>[0]["service"],
  connection: ProviderConnection,
) =>
  managedIdentitySource(
    {
      kind: "azure_managed_identity",
      service,
      resource: "https://dicom.healthcareapis.azure.com",
      identity: undefined,
    } as Parameters<typeof managedIdentitySource>[0],
    connection,
  );

type CreateSource = (url: string, by: ProviderConnection, tokenFile: string) => TokenSource;

const sources: Readonly<Record<string, CreateSource>> = {
  "EC2 instance metadata service": instanceMetadataSource,
  "container credentials endpoint": (url, by) =>
    containerKeysSource({
      from: "container",
      url: `${url}/v2/credentials`,
      authorization: { value: new Secret(SECRET) },
    }, by),
  "AWS Security Token Service": (url, by, tokenFile) =>
    webIdentitySource(
      {
        from: "web_identity",
        roleArn: ROLE,
        sessionName: "gateway",
        tokenFile,
      },
      url,
      by,
    ),
  "AWS Security Token Service (assumed role)": (url, connection) =>
    assumedRoleSource({
      role: { arn: ROLE, externalId: undefined, sessionName: "gateway", durationSeconds: 3600 },
      base: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: SECRET, sessionToken: undefined },
      sts: { url, region: "us-east-1" },
      connection,
      awsClock: new AwsClock(connection.clock),
    }),
  "Azure instance metadata service": (url, by) =>
    managed({ platform: "vm", endpoint: `${url}/metadata/identity/oauth2/token` }, by),
  "App Service identity endpoint": (url, by) =>
    managed({ platform: "appservice", endpoint: `${url}/token`, header: new Secret(SECRET) }, by),
  "Azure Arc agent": (url, by) =>
    managed({ platform: "arc", endpoint: `${url}/token`, secretsDirectory: "/nowhere" }, by),
  "Google metadata server": (origin, by) =>
    metadataSource({ type: "metadata", account: "default", origin }, "scope", by),
};

for (const [name, source] of Object.entries(sources)) {
  Deno.test(`A redirect of the ${name} is named and not followed`, async () => {
    const tokenFile = await Deno.makeTempFile();
    await Deno.writeTextFile(tokenFile, SECRET);
    const reached: string[] = [];
    const elsewhere = serveLoopback(({ url }) => {
      reached.push(url);
      return new Response();
    });
    const service = serveLoopback(() =>
      new Response(null, { status: 307, headers: { location: `${elsewhere.url}/?of=${SECRET}` } })
    );
    try {
      // The target may be contacted: only that nothing follows the redirect keeps it from that.
      await withConnection([service.url, elsewhere.url], async (connection) => {
        const error = await failureOf(source(service.url, connection, tokenFile).acquire(never), [
          SECRET,
        ]);
        assert.equal(error.code, "NET-004");
        const answerer = name.replace(/ \(.*/, "");
        assert(
          error.message.endsWith(`${answerer} answered 307, a redirect to ${elsewhere.url}`),
          error.message,
        );
        assert.match(error.troubleshooting[0] ?? "", /^Correct scheme, port and path/);
        assert.deepEqual(reached, []);
      });
    } finally {
      await service.close();
      await elsewhere.close();
      await Deno.remove(tokenFile);
    }
  });
}
