/**
 * Services that give credentials are asked once by each source, wherever they end the connection:
 * whether to ask again is for the token request policy, which counts.
 */
import assert from "node:assert/strict";
import { Secret } from "../../src/config/values/secret.ts";
import { AwsClock } from "../../src/credentials/aws/aws_clock.ts";
import { containerKeysSource } from "../../src/credentials/aws/container_keys_source.ts";
import { createKeysSource } from "../../src/credentials/aws/create_keys_source.ts";
import { instanceMetadataSource } from "../../src/credentials/aws/instance_metadata_source.ts";
import { webIdentitySource } from "../../src/credentials/aws/web_identity_source.ts";
import { metadataSource } from "../../src/credentials/google/metadata_source.ts";
import { JwksCache } from "../../src/credentials/validation/jwks_cache.ts";
import { managedIdentitySource } from "../../src/credentials/azure/managed_identity_source.ts";
import type { ProviderConnection } from "../../src/credentials/provider_exchange.ts";
import type { TokenSource } from "../../src/credentials/token.ts";
import { type RawHandler, startRawOrigin } from "../fixtures/raw_origin.ts";
import { failureOf, never, withConnection } from "./source_harness.ts";

/** What asks, given where; the token file holds "token". */
const ASKING: Record<
  string,
  (url: string, connection: ProviderConnection, tokenFile: string) => Promise<unknown>
> = {
  "IMDSv2 of EC2": (url, connection) => instanceMetadataSource(url, connection).acquire(never),
  "the endpoint of ECS and EKS": (url, connection) =>
    containerKeysSource(
      { from: "container", url: `${url}/keys`, authorization: undefined },
      connection,
    ).acquire(never),
  "STS, for a web identity": (url, connection, tokenFile) =>
    webIdentitySource(
      {
        from: "web_identity",
        roleArn: "arn:aws:iam::123456789012:role/a",
        sessionName: "a",
        tokenFile,
      },
      `${url}/`,
      connection,
    ).acquire(never),
  "STS, for a role": (url, connection) =>
    (createKeysSource(
      {
        keys: {
          from: "configuration",
          accessKeyId: "AKIAIOSFODNN7EXAMPLE",
          secretAccessKey: new Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
          sessionToken: undefined,
        },
        role: {
          arn: "arn:aws:iam::123456789012:role/a",
          externalId: undefined,
          sessionName: "a",
          durationSeconds: 3600,
        },
        sts: { url: `${url}/`, region: "eu-west-1" },
      },
      connection,
      new AwsClock(connection.clock),
    ) as TokenSource).acquire(never),
  "Google's metadata server": (url, connection) =>
    metadataSource({ type: "metadata", origin: url, account: "default" }, "a", connection)
      .acquire(never),
  "IMDS of Azure": (url, connection) =>
    managedIdentitySource({
      kind: "azure_managed_identity",
      service: { platform: "vm", endpoint: `${url}/metadata/identity/oauth2/token` },
      resource: "https://dicom.healthcareapis.azure.com",
      identity: undefined,
      refreshBufferMs: 300_000,
    }, connection).acquire(never),
  "a key set": (url, connection) =>
    new JwksCache({ ...connection, locate: () => `${url}/keys` }).load(never),
};

const ENDS: Record<string, string> = {
  "before it answers": "",
  "inside the headers": "HTTP/1.1 200 OK\r\ncontent-",
  "inside the body": "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
};

for (const [service, ask] of Object.entries(ASKING)) {
  for (const [end, text] of Object.entries(ENDS)) {
    Deno.test(`${service} is asked once when it closes ${end}`, async () => {
      const play: RawHandler = async (exchange) => {
        for await (const _ of exchange.body());
        await exchange.write(text);
        exchange.close();
      };
      const origin = startRawOrigin(play);
      const tokenFile = await Deno.makeTempFile();
      await Deno.writeTextFile(tokenFile, "token");
      await withConnection([origin.url], async (connection) => {
        assert.equal((await failureOf(ask(origin.url, connection, tokenFile))).code, "AUTH-003");
      });
      assert.equal(origin.exchanges, 1);
      await Deno.remove(tokenFile);
      await origin.close();
    });
  }
}
