/**
 * The ways of client authentication against a certified provider: what it accepts and what it refuses.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { decodeJwt, decodeProtectedHeader } from "jose";
import {
  type AssertionConfig,
  type ClientAuthentication,
  HMAC_ALGORITHMS,
} from "../../src/config/schemes/oauth2/client_authentication.ts";
import {
  readPrivateKey,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
  type SigningKey,
  signingKey,
} from "../../src/config/values/signing_key.ts";
import type { ClientCredentials } from "../../src/config/schemes/oauth2/token_request.ts";
import { Secret } from "../../src/config/values/secret.ts";
import { clientCredentialsSource } from "../../src/credentials/oauth2/client_credentials_source.ts";
import { type Clock, systemClock } from "../../src/network/clock.ts";
import type { ProviderConnection } from "../../src/credentials/provider_exchange.ts";
import type { TokenSource } from "../../src/credentials/token.ts";
import {
  type OidcClient,
  type OidcProvider,
  startOidcProvider,
} from "../fixtures/oidc_provider.ts";
import { failureOf, never, withConnection } from "./source_harness.ts";

const SECRET = "a secret of more than sixty-four bytes, so that it can sign with HS512";
const ASSERTION: AssertionConfig = { audience: undefined, lifetimeSeconds: 120 };

function generate(algorithm: SigningAlgorithm): KeyObject {
  if (algorithm === "EdDSA") return generateKeyPairSync("ed25519").privateKey;
  if (!algorithm.startsWith("ES")) {
    return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  }
  const namedCurve = { ES256: "P-256", ES384: "P-384", ES512: "P-521" }[algorithm as "ES256"];
  return generateKeyPairSync("ec", { namedCurve }).privateKey;
}

function newKey(algorithm: SigningAlgorithm, keyId?: string): SigningKey {
  const pem = String(generate(algorithm).export({ format: "pem", type: "pkcs8" }));
  return signingKey(readPrivateKey(pem).key!, algorithm, keyId);
}

function keyClient(clientId: string, ...keys: SigningKey[]): OidcClient {
  return {
    clientId,
    authMethod: "private_key_jwt",
    metadata: { jwks: { keys: keys.map(({ publicJwk }) => publicJwk) } },
  };
}

function keyAssertion(...keys: [SigningKey, ...SigningKey[]]): ClientAuthentication {
  return { method: "private_key_jwt", keys, assertion: ASSERTION };
}

interface Setup {
  readonly provider: OidcProvider;
  /** The token requests that were sent, oldest first. */
  readonly sent: readonly URLSearchParams[];
  source(
    clientId: string,
    clientAuthentication: ClientAuthentication,
    changes?: Partial<ClientCredentials>,
  ): TokenSource;
}

async function withProvider(
  clients: readonly OidcClient[],
  body: (setup: Setup) => Promise<void>,
  clock: Clock = systemClock,
): Promise<void> {
  const provider = await startOidcProvider({ clients });
  const sent: URLSearchParams[] = [];
  try {
    await withConnection([provider.issuer], async (connection) => {
      const http: ProviderConnection["http"] = {
        send(url, init) {
          sent.push(new URLSearchParams(String(init?.body)));
          return connection.http.send(url, init);
        },
      };
      await body({
        provider,
        sent,
        source: (clientId, clientAuthentication, changes = {}) =>
          clientCredentialsSource({
            kind: "client_credentials",
            tokenEndpoint: provider.tokenEndpoint,
            clientId,
            clientAuthentication,
            scope: "dicom",
            audience: undefined,
            resource: undefined,
            tokenParameters: {},
            refreshBufferMs: 60_000,
            ...changes,
          }, { ...connection, http }),
      });
    }, { clock });
  } finally {
    await provider.close();
  }
}

Deno.test("oidc-provider accepts private_key_jwt with every algorithm", async () => {
  const keys = SIGNING_ALGORITHMS.map((algorithm) => newKey(algorithm));
  const clients = keys.map((key) => keyClient(key.algorithm, key));
  await withProvider(clients, async ({ source, sent }) => {
    for (const key of keys) {
      const token = await source(key.algorithm, keyAssertion(key)).acquire(never);
      assert.equal(decodeJwt(token.value)["client_id"], key.algorithm);
      const assertion = sent.at(-1)?.get("client_assertion") ?? "";
      assert.deepEqual(decodeProtectedHeader(assertion), { alg: key.algorithm, typ: "JWT" });
    }
  });
});

Deno.test("oidc-provider accepts client_secret_jwt with every algorithm, and never sees the secret", async () => {
  const clients = HMAC_ALGORITHMS.map((algorithm): OidcClient => ({
    clientId: algorithm,
    clientSecret: SECRET,
    authMethod: "client_secret_jwt",
    metadata: { token_endpoint_auth_signing_alg: algorithm },
  }));
  await withProvider(clients, async ({ source, sent }) => {
    for (const algorithm of HMAC_ALGORITHMS) {
      const authentication = (secret: string): ClientAuthentication => ({
        method: "client_secret_jwt",
        clientSecret: new Secret(secret),
        algorithm,
        assertion: ASSERTION,
      });
      await source(algorithm, authentication(SECRET)).acquire(never);
      assert.equal(sent.at(-1)?.has("client_secret"), false);
      assert(![...sent.at(-1)!.values()].join().includes(SECRET));
      const wrong =
        "another secret of more than sixty-four bytes, which the provider does not know";
      const refused = source(algorithm, authentication(wrong)).acquire(never);
      const error = await failureOf(refused, [SECRET, wrong]);
      assert.equal(error.code, "AUTH-001");
    }
  });
});

Deno.test("oidc-provider finds the key of a rotation by its kid, and refuses a key it does not know", async () => {
  const [old, next, foreign] = [newKey("ES256", "old"), newKey("ES256", "next"), newKey("ES256")];
  await withProvider([keyClient("gateway", old, next)], async ({ source, sent }) => {
    for (const keys of [[old, next], [next, old]] as const) {
      await source("gateway", keyAssertion(...keys)).acquire(never);
      const assertion = sent.at(-1)?.get("client_assertion") ?? "";
      assert.equal(decodeProtectedHeader(assertion).kid, keys[0].keyId);
    }
    const error = await failureOf(source("gateway", keyAssertion(foreign)).acquire(never));
    assert.equal(error.code, "AUTH-001");
    assert.equal(error.status, 502);
  });
});

Deno.test("oidc-provider refuses an assertion that it has seen, so each request has its own", async () => {
  const key = newKey("RS256");
  await withProvider([keyClient("gateway", key)], async ({ source, sent, provider }) => {
    const gateway = source("gateway", keyAssertion(key));
    await gateway.acquire(never);
    const replay = await fetch(provider.tokenEndpoint, { method: "POST", body: sent[0]! });
    assert.equal(replay.status, 401);
    assert.equal((await replay.json()).error, "invalid_client");
    await gateway.acquire(never);
  });
});

const skews: [minutes: number, why: string][] = [
  [-3, "has expired because the gateway's clock is slow"],
  [3, "is not yet valid because the gateway's clock is fast"],
];
for (const [minutes, why] of skews) {
  Deno.test(`oidc-provider refuses an assertion that ${why}`, async () => {
    const key = newKey("ES384");
    const clock = { ...systemClock, now: () => Date.now() + minutes * 60_000 };
    await withProvider([keyClient("gateway", key)], async ({ source }) => {
      const error = await failureOf(source("gateway", keyAssertion(key)).acquire(never));
      assert.equal(error.code, "AUTH-001");
    }, clock);
  });
}

Deno.test("oidc-provider refuses an assertion for someone else, and takes its issuer or token endpoint", async () => {
  const key = newKey("ES256");
  await withProvider([keyClient("gateway", key)], async ({ source, provider }) => {
    const to = (audience: string) =>
      source("gateway", {
        ...keyAssertion(key) as Extract<ClientAuthentication, { method: "private_key_jwt" }>,
        assertion: { ...ASSERTION, audience },
      }).acquire(never);
    await to(provider.issuer);
    await to(provider.tokenEndpoint);
    assert.equal((await failureOf(to("https://other.test/token"))).code, "AUTH-001");
  });
});

Deno.test("oidc-provider refuses every method but the one that the client is registered with", async () => {
  const key = newKey("ES256");
  await withProvider([keyClient("gateway", key)], async ({ source }) => {
    for (const method of ["client_secret_post", "client_secret_basic"] as const) {
      const authentication = { method, clientSecret: new Secret(SECRET) };
      const error = await failureOf(source("gateway", authentication).acquire(never), [SECRET]);
      assert.equal(error.code, "AUTH-001");
    }
  });
});
