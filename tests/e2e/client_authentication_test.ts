/**
 * Client authentication of the gateway to identity providers and stores: the signing worker has
 * neither files nor the environment.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { startDpopOrigin } from "../fixtures/dpop_origin.ts";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { freePort, serveLoopback } from "../fixtures/listening.ts";
import { type OidcProvider, startOidcProvider } from "../fixtures/oidc_provider.ts";

function newKey(type: "RSA" | "P-384"): string {
  const { privateKey } = type === "RSA"
    ? generateKeyPairSync("rsa", { modulusLength: 2048 })
    : generateKeyPairSync("ec", { namedCurve: type });
  return String(privateKey.export({ format: "pem", type: "pkcs8" }));
}

async function search({ url }: GatewayProcess, server: string): Promise<Response> {
  return await fetch(`${url}/dicom-web/${server}/studies`);
}

/** No part of a key is in the log, the management API or the metrics. */
async function assertNoLeak(gateway: GatewayProcess, keys: readonly string[]): Promise<void> {
  const pages = ["/dicomweb-oauth/servers", "/dicomweb-oauth/metrics", "/.well-known/jwks.json"];
  const texts = await Promise.all(
    pages.map(async (page) => await (await fetch(`${gateway.url}${page}`)).text()),
  );
  const all = [gateway.output(), ...texts].join("\n");
  for (const key of keys) {
    const lines = key.split("\n").filter((line) => line.length > 40);
    assert(lines.length > 1);
    for (const line of lines) assert(!all.includes(line), `leaked: ${line}`);
  }
}

/**
 * A FHIR server whose SMART configuration names a provider, and a store that accepts its tokens.
 */
function startFhirServer(provider: OidcProvider) {
  const keys = createRemoteJWKSet(new URL(provider.jwksUri));
  return serveLoopback(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/fhir/.well-known/smart-configuration") {
      return Response.json({
        token_endpoint: provider.tokenEndpoint,
        grant_types_supported: ["client_credentials"],
        token_endpoint_auth_methods_supported: ["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported: ["RS384", "ES384"],
        capabilities: ["client-confidential-asymmetric"],
      });
    }
    const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    try {
      await jwtVerify(token, keys, { issuer: provider.issuer });
      return Response.json([]);
    } catch {
      return new Response(null, { status: 401 });
    }
  });
}

Deno.test("SMART Backend Services: RS384 and ES384, discovery, and keys that the provider fetches from the gateway", async () => {
  const port = freePort();
  const jwksUri = `http://127.0.0.1:${port}/.well-known/jwks.json`;
  const [rsa, p384, next] = [newKey("RSA"), newKey("P-384"), newKey("P-384")];
  const provider = await startOidcProvider({
    scope: "system/*.rs",
    accessTokenTtlSeconds: 300,
    clients: ["RS384", "ES384"].map((algorithm) => ({
      clientId: algorithm,
      authMethod: "private_key_jwt",
      metadata: { jwks_uri: jwksUri, token_endpoint_auth_signing_alg: algorithm },
    })),
  });
  const fhir = startFhirServer(provider);
  const base = fhir.url;
  const server = (ClientId: string, PrivateKey: unknown) => ({
    Url: `${base}/dicom-web`,
    ProviderType: "smart",
    SmartBaseUrl: `${base}/fhir`,
    AllowedHosts: [new URL(provider.issuer).host],
    Scope: "system/*.rs",
    ClientId,
    PrivateKey,
  });
  {
    await using gateway = await startGateway({
      Listen: { Address: "127.0.0.1", Port: port },
      LogLevel: "debug",
      Servers: {
        rsa: server("RS384", rsa),
        ec: server("ES384", [p384, next]),
        unknown: server("ES384", newKey("RSA")),
      },
    });
    for (const name of ["rsa", "ec"]) {
      const response = await search(gateway, name);
      assert.equal(response.status, 200, await response.text());
    }
    const refused = await search(gateway, "unknown");
    assert.equal(refused.status, 502);
    assert.equal((await refused.json()).error_code, "AUTH-001");

    const { keys } = await (await fetch(jwksUri)).json();
    assert.deepEqual(keys.map(({ alg }: { alg: string }) => alg), [
      "RS384",
      "ES384",
      "ES384",
      "RS384",
    ]);
    await assertNoLeak(gateway, [rsa, p384, next]);
  }
  {
    // The former second key signs now, and the provider finds it.
    await using rotated = await startGateway({
      Listen: { Address: "127.0.0.1", Port: port },
      Servers: { ec: server("ES384", [next, p384]) },
    });
    const response = await search(rotated, "ec");
    assert.equal(response.status, 200, await response.text());
  }
  await fhir.shutdown();
  await provider.close();
});

Deno.test(needing(OPENSSL, {
  name: "Mutual TLS: one certificate for token endpoint and store, to which the token is bound",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const serverCertificate = await authority.issue({ commonName: "server", purpose: "server" });
    const client = await authority.issue({ commonName: "gateway" });
    const directory = await Deno.makeTempDir();
    for (
      const [name, pem] of [["ca.crt", authority.certificatePem], [
        "tls.crt",
        client.certificatePem,
      ], ["tls.key", client.keyPem]]
    ) {
      await Deno.writeTextFile(`${directory}/${name}`, pem!);
    }
    const provider = await startOidcProvider({
      tls: { ...serverCertificate, clientAuthorityPem: authority.certificatePem },
      clients: [{
        clientId: "gateway",
        authMethod: "tls_client_auth",
        metadata: {
          tls_client_auth_subject_dn: "CN=gateway",
          tls_client_certificate_bound_access_tokens: true,
        },
      }],
    });
    // RFC 8705, section 3: the certificate of the connection must be that of the token.
    const store = createServer({
      cert: serverCertificate.certificatePem,
      key: serverCertificate.keyPem,
      ca: authority.certificatePem,
      requestCert: true,
      rejectUnauthorized: true,
    }, (request, response) => {
      const { raw } = (request.socket as TLSSocket).getPeerCertificate();
      const token = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
      const { cnf } = decodeJwt<{ cnf?: { "x5t#S256"?: string } }>(token);
      const presented = new X509Certificate(raw).fingerprint256.replaceAll(":", "").toLowerCase();
      const bound = Buffer.from(cnf?.["x5t#S256"] ?? "", "base64url").toString("hex");
      response.statusCode = presented === bound ? 200 : 401;
      response.end("[]");
    });
    await new Promise<void>((resolve) => store.listen(0, "127.0.0.1", resolve));
    const main = (PresentTo: string) => ({
      Url: `https://127.0.0.1:${(store.address() as AddressInfo).port}/dicom-web`,
      Issuer: provider.issuer,
      ClientId: "gateway",
      ClientAuthentication: "tls_client_auth",
      ClientCertificate: {
        CertificateFile: `${directory}/tls.crt`,
        KeyFile: `${directory}/tls.key`,
        PresentTo,
      },
      VerifySSL: `${directory}/ca.crt`,
    });
    {
      await using gateway = await startGateway({
        LogLevel: "debug",
        Servers: { main: main("Both"), hidden: main("TokenEndpoint") },
      });
      const response = await search(gateway, "main");
      assert.equal(response.status, 200, await response.text());
      const refused = await search(gateway, "hidden");
      assert.equal(refused.status, 502);
      const problem = await refused.json();
      assert.equal(problem.error_code, "NET-003");
      assert.match(problem.detail, /requires a client certificate/);
      await assertNoLeak(gateway, [client.keyPem]);
    }
    store.close();
    store.closeAllConnections();
    await provider.close();
    await Deno.remove(directory, { recursive: true });
  },
}));

Deno.test("Bound tokens: two workers, each with a key of its own, at a provider and a store that require nonces", async () => {
  const provider = await startOidcProvider({
    dpopNonces: true,
  });
  {
    await using store = startDpopOrigin({ ...provider, nonces: true });
    await using gateway = await startGateway({
      Workers: 2,
      Servers: {
        main: {
          Url: store.url,
          Issuer: provider.issuer,
          ClientId: "gateway",
          ClientSecret: "secret",
          DPoP: true,
        },
      },
    });
    const responses = await Promise.all(
      Array.from({ length: 40 }, () => search(gateway, "main")),
    );
    for (const response of responses) {
      assert.equal(response.status, 200, `${await response.text()}\n${store.refusals.join("\n")}`);
    }
    assert(store.refusals.every((why) => why === "use_dpop_nonce: nonce"), store.refusals.join());
  }
  await provider.close();
});
