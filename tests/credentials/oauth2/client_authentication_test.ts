import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { ClientAuthentication } from "../../../src/config/schemes/oauth2/client_authentication.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { readPrivateKey, signingKey } from "../../../src/config/values/signing_key.ts";
import {
  clientAssertion,
  clientSecretBasic,
  clientSecretPost,
  rejectedClientSteps,
} from "../../../src/credentials/oauth2/client_authentication.ts";

const target = { tokenEndpoint: "https://idp.test/token" };

const secrets: [secret: string, encoded: string][] = [
  ["plain", "plain"],
  ["a:b", "a%3Ab"],
  ["a b", "a+b"],
  ["100%", "100%25"],
  ["a+b/c=", "a%2Bb%2Fc%3D"],
  ["~8Q~a.b-c_d*", "~8Q~a.b-c_d*"],
  ["wörd", "w%C3%B6rd"],
];
for (const [secret, encoded] of secrets) {
  Deno.test(`clientSecretBasic form-encodes ${secret} before base64`, async () => {
    const headers = new Headers();
    await clientSecretBasic("the client", secret)(new URLSearchParams(), headers, target);
    const header = headers.get("authorization") ?? "";
    assert.match(header, /^Basic /);
    assert.equal(atob(header.slice(6)), `the+client:${encoded}`);
  });
}

for (const [secret] of secrets) {
  Deno.test(`clientSecretBasic leaves ${secret} as it is with the encoding none`, async () => {
    const headers = new Headers();
    await clientSecretBasic("the client", secret, "none")(new URLSearchParams(), headers, target);
    const bytes = Uint8Array.fromBase64(headers.get("authorization")!.slice(6));
    assert.equal(new TextDecoder().decode(bytes), `the client:${secret}`);
  });
}

Deno.test("clientSecretPost puts identifier and secret into the body only", async () => {
  const headers = new Headers();
  const parameters = new URLSearchParams({ grant_type: "client_credentials" });
  await clientSecretPost("id", "a b&c")(parameters, headers, target);
  assert.equal(
    parameters.toString(),
    "grant_type=client_credentials&client_id=id&client_secret=a+b%26c",
  );
  assert.deepEqual([...headers], []);
});

Deno.test("clientAssertion writes the parameters of RFC 7523, section 2.2", async () => {
  const parameters = new URLSearchParams({ grant_type: "client_credentials" });
  await clientAssertion("c", () => Promise.resolve("a.b.c"))(parameters, new Headers(), target);
  assert.deepEqual(Object.fromEntries(parameters), {
    grant_type: "client_credentials",
    client_id: "c",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: "a.b.c",
  });
});

const assertion = { audience: undefined, lifetimeSeconds: 120 };
const clientSecret = new Secret("secret");

function ecKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = String(privateKey.export({ format: "pem", type: "pkcs8" }));
  return signingKey(readPrivateKey(pem).key!, "ES256", undefined);
}

const checks: [ClientAuthentication, RegExp | undefined][] = [
  [{ method: "client_secret_post", clientSecret }, undefined],
  [{ method: "client_secret_basic", clientSecret }, undefined],
  [
    { method: "client_secret_basic", clientSecret: new Secret("a+b") },
    /^ClientId or ClientSecret contains characters that are encoded .* "ClientSecretEncoding": "none"/,
  ],
  [
    { method: "client_secret_jwt", clientSecret, algorithm: "HS256", assertion },
    /^ClientSecret signs an assertion: .*AssertionAlgorithm/,
  ],
  [
    { method: "private_key_jwt", keys: [ecKey()], assertion },
    /public key of PrivateKey .*jwks\.json.*AssertionAlgorithm .*KeyId/,
  ],
  [{ method: "tls_client_auth" }, /subject .*openssl x509 -noout -subject/],
  [{ method: "self_signed_tls_client_auth" }, /certificate itself/],
  [{ method: "federated_token", file: "/t" }, undefined],
];
for (const [configured, step] of checks) {
  Deno.test(`A rejected client is advised for ${configured.method}${step && `: ${step.source.slice(0, 12)}`}`, () => {
    const [first] = rejectedClientSteps("gateway", configured);
    if (step === undefined) assert.equal(first, undefined);
    else assert.match(first ?? "", step);
  });
}
