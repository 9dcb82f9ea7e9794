import assert from "node:assert/strict";
import { z } from "zod";
import { clientSecret } from "../../../src/config/credentials/client_secret.ts";
import { noCredentials } from "../../../src/config/credentials/no_credentials.ts";
import { signingWay } from "../../../src/config/credentials/signing_way.ts";
import { chooseWay, signingWays } from "../../../src/config/credentials/signing_ways.ts";
import { serverSchema } from "../../../src/config/server.ts";

/** A way of signing that shares its provider with another and is told apart by a second key. */
const signedAssertion = signingWay({
  title: "A signed assertion",
  description: "Shows a signed assertion.",
  chosenBy: {
    ProviderType: ["generic", "azure"],
    ClientAuthentication: ["private_key_jwt"],
  },
  keys: {
    ProviderType: z.enum(["generic", "azure"]),
    ClientAuthentication: z.literal("private_key_jwt"),
    PrivateKey: z.string(),
  },
  build: () => ({ kind: "none" }),
});

const ways = [signedAssertion, clientSecret, noCredentials];

Deno.test("chooseWay takes auto with a secret in the body where nothing is said", () => {
  assert.equal(chooseWay({}, ways).way?.title, "OAuth2");
});

Deno.test("chooseWay chooses by ProviderType and, within it, by a second key", () => {
  const generic = { ProviderType: "generic" };
  const title = (keys: Record<string, unknown>) =>
    chooseWay({ ...generic, ...keys }, ways).way?.title;
  assert.equal(title({}), "OAuth2");
  assert.equal(title({ ClientAuthentication: "client_secret_basic" }), "OAuth2");
  assert.equal(title({ ClientAuthentication: "private_key_jwt" }), "A signed assertion");
  assert.equal(title({ ProviderType: "none" }), "No credentials");
});

Deno.test("chooseWay tells which key chooses nothing and what it may be", () => {
  const choice = chooseWay(
    { ProviderType: "keycloak", ClientAuthentication: "private_key_jwt" },
    ways,
  );
  assert(choice.way === undefined);
  assert.equal(choice.key, "ClientAuthentication");
  assert.deepEqual(choice.allowed, ["client_secret_post", "client_secret_basic"]);

  const unknown = chooseWay({ ProviderType: "oracle" }, ways);
  assert(unknown.way === undefined);
  assert.equal(unknown.key, "ProviderType");
  const { ProviderType: types = [] } = clientSecret.chosenBy;
  assert.deepEqual(unknown.allowed, [...new Set(["generic", "azure", ...types, "none"])]);
});

Deno.test("chooseWay takes a value of the wrong type for none that is known", () => {
  assert.equal(chooseWay({ ProviderType: ["generic"] }, ways).way, undefined);
  assert.equal(chooseWay({ ProviderType: null }, ways).way?.title, "OAuth2");
});

Deno.test("Every way of signing accepts each value that chooses it, and only those", () => {
  for (const way of signingWays) {
    const { shape } = serverSchema(way);
    for (const [key, values] of Object.entries(way.chosenBy)) {
      const schema = shape[key];
      assert(schema !== undefined, `${way.title} has no key ${key}`);
      for (const value of values) assert(schema.safeParse(value).success, `${key} ${value}`);
      assert(!schema.safeParse("something else").success, key);
    }
  }
});
