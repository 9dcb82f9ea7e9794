import assert from "node:assert/strict";
import { ExternalAccountClient } from "google-auth-library";
import type { AwsKeysConfig } from "../../../src/config/schemes/aws/aws_keys.ts";
import type { GoogleAwsSubject } from "../../../src/config/schemes/google/google_credentials.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { awsSubjectToken } from "../../../src/credentials/google/aws_subject_token.ts";
import { federationSource } from "../../../src/credentials/google/federation_source.ts";
import type { ProviderConnection } from "../../../src/credentials/provider_exchange.ts";
import { startInstanceMetadata } from "../../fixtures/aws_services.ts";
import { explainAwsSubjectToken } from "../../fixtures/get_caller_identity.ts";
import { startGoogleServices } from "../../fixtures/google_services.ts";
import { failureOf, never, withConnection } from "../source_harness.ts";

const AUDIENCE =
  "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/aws";
const REGION = "eu-west-1";
const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TYPE = "urn:ietf:params:aws:token-type:aws4_request";
const TEMPLATE = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15";
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";

const EXPECTED = { region: REGION, secretAccessKey: SECRET, audience: AUDIENCE };

const CONFIGURED: AwsKeysConfig = {
  from: "configuration",
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: new Secret(SECRET),
  sessionToken: undefined,
};

function subject(keys: AwsKeysConfig): GoogleAwsSubject {
  return {
    from: "aws",
    url: new URL(TEMPLATE.replace("{region}", REGION)).href,
    region: REGION,
    keys,
    sts: { url: `https://sts.${REGION}.amazonaws.com/`, region: REGION },
  };
}

function federation(keys: AwsKeysConfig, tokenEndpoint: string, connection: ProviderConnection) {
  return federationSource(
    {
      type: "external_account",
      tokenEndpoint,
      audience: AUDIENCE,
      subjectTokenType: TYPE,
      subject: subject(keys),
      client: undefined,
      workforceProject: undefined,
    },
    SCOPE,
    connection,
  );
}

Deno.test("awsSubjectToken signs GetCallerIdentity for the pool, with and without a session token", () =>
  withConnection([], async (connection) => {
    for (const sessionToken of [undefined, new Secret("IQoJb3JpZ2lu+/==")]) {
      const keys = { ...CONFIGURED, sessionToken };
      const token = await awsSubjectToken(subject(keys), AUDIENCE, connection, never);
      assert.deepEqual(explainAwsSubjectToken(token, EXPECTED), { accessKeyId: "AKIDEXAMPLE" });
      assert(!decodeURIComponent(token).includes(SECRET));
      assert.equal(
        decodeURIComponent(token).includes("x-amz-security-token"),
        sessionToken !== undefined,
      );
    }
  }));

Deno.test("awsSubjectToken uses the keys of the instance's role", async () => {
  const imds = startInstanceMetadata();
  await withConnection([imds.url], async (connection) => {
    const keys = { from: "instance_metadata", endpoint: imds.url } as const;
    const token = await awsSubjectToken(subject(keys), AUDIENCE, connection, never);
    const { accessKeyId, secretAccessKey } = imds.given[0]!;
    assert.deepEqual(explainAwsSubjectToken(token, { ...EXPECTED, secretAccessKey }), {
      accessKeyId,
    });
  });
  await imds.close();
});

Deno.test("Google's own library signs GetCallerIdentity so that the same verifier accepts it", async () => {
  const faults: string[] = [];
  const google = startGoogleServices({
    federation: {
      audience: AUDIENCE,
      subjectTokens: {
        has(token) {
          const judgement = explainAwsSubjectToken(token, EXPECTED);
          if ("fault" in judgement) faults.push(judgement.fault);
          return !("fault" in judgement);
        },
      },
    },
  });
  const variables = {
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: SECRET,
    AWS_SESSION_TOKEN: "session",
  };
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    const client = ExternalAccountClient.fromJSON({
      type: "external_account",
      audience: AUDIENCE,
      subject_token_type: TYPE,
      token_url: google.stsEndpoint,
      credential_source: { environment_id: "aws1", regional_cred_verification_url: TEMPLATE },
    });
    const answer = await client?.getAccessToken();
    assert(google.issued.has(answer?.token ?? ""), faults.join());

    await withConnection([google.origin], async (connection) => {
      await federation(CONFIGURED, google.stsEndpoint, connection).acquire(never);
      const [theirs, ours] = google.requests.map(({ body }) => new URLSearchParams(body));
      const shape = (parameters: URLSearchParams) => {
        const { url, method, headers } = JSON.parse(
          decodeURIComponent(parameters.get("subject_token") ?? ""),
        ) as { url: string; method: string; headers: { key: string }[] };
        return { url: new URL(url).href, method, keys: headers.map(({ key }) => key).sort() };
      };
      const { keys: theirKeys, ...theirRequest } = shape(theirs!);
      const { keys: ourKeys, ...ourRequest } = shape(ours!);
      assert.deepEqual(ourRequest, theirRequest);
      const lower = (keys: string[]) => keys.map((key) => key.toLowerCase()).sort();
      assert.deepEqual(
        lower(ourKeys),
        lower(theirKeys).filter((key) => key !== "x-amz-security-token"),
      );

      const wrong = { ...CONFIGURED, secretAccessKey: new Secret("another") };
      const refused = federation(wrong, google.stsEndpoint, connection).acquire(never);
      assert.equal((await failureOf(refused, ["another"])).code, "AUTH-001");
      assert.equal(faults.at(-1), "SignatureDoesNotMatch");

      const prints = [
        CONFIGURED,
        wrong,
        { ...CONFIGURED, accessKeyId: "AKIDOTHER" },
        { ...CONFIGURED, sessionToken: new Secret("a") },
        { from: "instance_metadata", endpoint: "http://169.254.169.254" } as const,
      ].map((keys) => federation(keys, google.stsEndpoint, connection).fingerprint);
      assert.equal(new Set(prints).size, prints.length);
    });
  } finally {
    for (const name of Object.keys(variables)) Deno.env.delete(name);
    await google.close();
  }
});
