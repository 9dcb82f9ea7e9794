import assert from "node:assert/strict";
import { type Ended, runWithConfig } from "../fixtures/gateway_command.ts";
import { makeIssuerKey, signToken } from "../fixtures/jwt_issuer.ts";
import { startOidcProvider } from "../fixtures/oidc_provider.ts";
import { startTokenEndpoint } from "../fixtures/token_endpoint.ts";

const STORE = "https://store.example/dicom-web";

function json({ stdout }: Ended) {
  return JSON.parse(stdout).servers[0];
}

Deno.test("token: shows issuer, audience, scope and expiry of a real provider's token, and the token only with --reveal", async () => {
  const provider = await startOidcProvider({
    clients: [{ clientId: "gateway", clientSecret: "hidden-secret" }],
  });
  const section = {
    Servers: {
      main: {
        Url: STORE,
        TokenEndpoint: provider.tokenEndpoint,
        ClientId: "gateway",
        ClientSecret: "hidden-secret",
        Scope: "dicom",
      },
    },
  };
  try {
    const shown = await runWithConfig(section, ["token", "main"]);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, new RegExp(`^ {2}issuer +${provider.issuer}$`, "m"));
    assert.match(shown.stdout, new RegExp(`^ {2}audience +${provider.audience}$`, "m"));
    assert.match(shown.stdout, /^ {2}scopes +dicom$/m);
    assert.match(shown.stdout, /^ {2}expires +\d{4}-.*\(in 4 minutes\)$/m);
    assert.match(shown.stdout, /^ {2}not shown +.*\bjti\b/m);
    assert.match(shown.stdout, /^ {2}kind +client_credentials\n {2}endpoint +http:.*\/token$/m);
    assert.doesNotMatch(shown.stdout + shown.stderr, /hidden-secret|eyJ/);

    const machine = await runWithConfig(section, ["token", "--json"]);
    assert.equal(machine.code, 0);
    assert.doesNotMatch(machine.stdout, /eyJ/);
    const { credential, token } = json(machine);
    assert.equal(token, undefined);
    assert.equal(credential.form, "jwt");
    assert.equal(credential.issuer, provider.issuer);
    assert.deepEqual(credential.scopes, ["dicom"]);

    const revealed = json(await runWithConfig(section, ["token", "--json", "--reveal"]));
    assert.match(revealed.token, /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
  } finally {
    await provider.close();
  }
});

Deno.test("token: claims that may identify a person are named, never shown", async () => {
  const key = await makeIssuerKey("RS256");
  const claims = { iss: "https://login.example", aud: "store", email: "jane.doe@clinic.example" };
  const personal = await signToken(key, { ...claims, sub: "jane.doe", name: "Jane Doe" });
  const endpoint = startTokenEndpoint();
  endpoint.answer = () =>
    Response.json({ access_token: personal, token_type: "Bearer", expires_in: 300 });
  const section = {
    Servers: { main: { Url: STORE, ...endpoint.serverKeys } },
  };
  try {
    for (const args of [["token"], ["token", "--json"]]) {
      const { code, stdout } = await runWithConfig(section, args);
      assert.equal(code, 0);
      assert.doesNotMatch(stdout, /jane|Doe|clinic/i);
      for (const name of ["sub", "email", "name"]) {
        assert.match(stdout, new RegExp(`\\b${name}\\b`));
      }
    }
    endpoint.answer = undefined;
    const opaque = await runWithConfig(section, ["token"]);
    assert.match(opaque.stdout, /^ {2}form +opaque, Bearer$/m);
    assert.doesNotMatch(opaque.stdout, new RegExp(endpoint.issued[0]!));
  } finally {
    await endpoint.close();
  }
});

Deno.test("token: shows the identifier of AWS keys, never the secret, not even with --reveal", async () => {
  const section = {
    Servers: {
      main: {
        Url:
          "https://dicom-medical-imaging.us-east-1.amazonaws.com/datastore/0123456789abcdef0123456789abcdef",
        ProviderType: "aws",
        Region: "us-east-1",
        AccessKeyId: "AKIAIOSFODNN7EXAMPLE",
        SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      },
    },
  };
  const { code, stdout, stderr } = await runWithConfig(section, ["token", "--reveal"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^ {2}key +AKIAIOSFODNN7EXAMPLE$/m);
  assert.doesNotMatch(stdout, /wJalr|Signature/);
});

Deno.test("token: shows a rejection with its code and remedies, and ends with 1; other servers are still shown", async () => {
  const endpoint = startTokenEndpoint({ clientSecret: "right" });
  const server = { Url: STORE, TokenEndpoint: endpoint.url, ClientId: "gateway" };
  const section = {
    Servers: {
      wrong: { ...server, ClientSecret: "wrong-secret" },
      right: { ...server, ClientSecret: "right" },
    },
  };
  try {
    const { code, stdout, stderr } = await runWithConfig(section, ["token"]);
    assert.equal(code, 1);
    assert.match(stderr, /^Server wrong: Cannot fetch a token .*\[AUTH-001\]$/m);
    assert.match(stderr, /^ {2}.*ClientSecret/m);
    assert.match(stdout, /^Server right$/m);
    assert.doesNotMatch(stdout + stderr, /wrong-secret/);
    assert.equal(endpoint.requests.length, 2, "each provider is asked once");

    const { error } = json(await runWithConfig(section, ["token", "wrong", "--json"]));
    assert.equal(error.code, "AUTH-001");
    assert(error.advice.length > 0);
    assert.equal((await runWithConfig(section, ["token", "wron"])).code, 64);
  } finally {
    await endpoint.close();
  }
});
