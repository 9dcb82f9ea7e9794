import assert from "node:assert/strict";
import { chooseScheme, schemes } from "../../src/config/schemes/schemes.ts";

function title(keys: Record<string, unknown>): string | undefined {
  return chooseScheme(keys).scheme?.title;
}

Deno.test("chooseScheme defaults to auto with a secret in the body", () => {
  assert.equal(title({}), "OAuth2");
  assert.equal(title({ ProviderType: null }), "OAuth2");
});

Deno.test("chooseScheme chooses by ProviderType and, within it, by a second key", () => {
  const generic = { ProviderType: "generic" };
  assert.equal(title(generic), "OAuth2");
  assert.equal(title({ ...generic, ClientAuthentication: "client_secret_basic" }), "OAuth2");
  assert.equal(
    title({ ...generic, ClientAuthentication: "private_key_jwt" }),
    "OAuth2 with private_key_jwt",
  );
  assert.equal(title({ ProviderType: "none" }), "No credentials");
  assert.equal(title({ ProviderType: "google" }), "Google");
  assert.equal(title({ ProviderType: "google", ClientId: "client" }), "OAuth2");
});

Deno.test("chooseScheme returns the key whose value chooses no scheme, and its allowed values", () => {
  const choice = chooseScheme({ ProviderType: "keycloak", ClientAuthentication: "x" });
  assert(choice.scheme === undefined);
  assert.equal(choice.key, "ClientAuthentication");
  assert(choice.allowed.includes("private_key_jwt"), choice.allowed.join());

  const unknown = chooseScheme({ ProviderType: "oracle" });
  assert(unknown.scheme === undefined);
  assert.equal(unknown.key, "ProviderType");
  const all = schemes.flatMap(({ chosenBy }) => chosenBy["ProviderType"] ?? []);
  assert.deepEqual(unknown.allowed, [...new Set(all)]);
});

Deno.test("chooseScheme chooses no scheme for a value of the wrong type", () => {
  assert.equal(chooseScheme({ ProviderType: ["generic"] }).scheme, undefined);
});
