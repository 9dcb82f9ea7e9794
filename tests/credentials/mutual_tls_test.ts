/**
 * Clients that their TLS certificate tells (RFC 8705), against a certified provider and with real
 * certificates.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { decodeJwt } from "jose";
import type { ClientCredentials } from "../../src/config/schemes/oauth2/token_request.ts";
import { clientCredentialsSource } from "../../src/credentials/oauth2/client_credentials_source.ts";
import type { TokenSource } from "../../src/credentials/token.ts";
import { systemClock } from "../../src/network/clock.ts";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { HttpClient } from "../../src/network/http_client.ts";
import { CertificateAuthority, type KeyPair, OPENSSL } from "../fixtures/certificate_authority.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { type OidcProvider, startOidcProvider } from "../fixtures/oidc_provider.ts";
import { failureOf, never } from "./source_harness.ts";

type Method = "tls_client_auth" | "self_signed_tls_client_auth";

interface Setup {
  readonly provider: OidcProvider;
  readonly authority: CertificateAuthority;
  /** A certificate of the authority for the client. */
  readonly registered: KeyPair;
  /** A certificate that the client has made itself and registered. */
  readonly own: KeyPair;
  /** Gets a token, the connection showing a certificate. */
  acquire(method: Method, certificate: KeyPair | undefined): Promise<string>;
}

function jwkOf({ certificatePem }: KeyPair): Record<string, unknown> {
  const { publicKey, raw } = new X509Certificate(certificatePem);
  return { ...publicKey.export({ format: "jwk" }), x5c: [raw.toString("base64")] };
}

async function withProvider(body: (setup: Setup) => Promise<void>): Promise<void> {
  await using authority = await CertificateAuthority.create();
  const registered = await authority.issue({ commonName: "gateway" });
  const own = await authority.selfSigned("gateway");
  const bound = { tls_client_certificate_bound_access_tokens: true };
  const provider = await startOidcProvider({
    tls: {
      ...await authority.issue({ commonName: "provider", purpose: "server" }),
      clientAuthorityPem: authority.certificatePem,
    },
    clients: [
      {
        clientId: "tls_client_auth",
        authMethod: "tls_client_auth",
        metadata: { ...bound, tls_client_auth_subject_dn: "CN=gateway" },
      },
      {
        clientId: "self_signed_tls_client_auth",
        authMethod: "self_signed_tls_client_auth",
        metadata: { ...bound, jwks: { keys: [jwkOf(own)] } },
      },
    ],
  });
  try {
    await body({
      provider,
      authority,
      registered,
      own,
      async acquire(method, certificate) {
        const http = new HttpClient({
          allowlist: new Set([hostAndPort(provider.issuer)]),
          caCertificatesPem: [authority.certificatePem],
          ...(certificate && { clientCertificate: certificate }),
        });
        try {
          return (await source(provider, http, method).acquire(never)).value;
        } finally {
          http.close();
        }
      },
    });
  } finally {
    await provider.close();
  }
}

function source(
  provider: Pick<OidcProvider, "tokenEndpoint">,
  http: HttpClient,
  method: Method,
  certificatePem?: string,
): TokenSource {
  const credentials: ClientCredentials = {
    kind: "client_credentials",
    tokenEndpoint: provider.tokenEndpoint,
    clientId: method,
    clientAuthentication: { method },
    scope: "dicom",
    audience: undefined,
    resource: undefined,
    tokenParameters: {},
    refreshBufferMs: 60_000,
  };
  const connection = { server: "main", http, timeoutMs: 5000, clock: systemClock };
  return clientCredentialsSource(credentials, { ...connection, certificatePem });
}

Deno.test(needing(OPENSSL, {
  name: "oidc-provider knows a client by the certificate of an authority, and by no other",
  fn: () =>
    withProvider(async ({ acquire, authority, registered, own }) => {
      const token = decodeJwt(await acquire("tls_client_auth", registered));
      assert.equal(token["client_id"], "tls_client_auth");
      assert.deepEqual(token["cnf"], { "x5t#S256": await thumbprint(registered) });
      const another = await authority.issue({ commonName: "someone else" });
      for (const certificate of [another, own, undefined]) {
        const error = await failureOf(acquire("tls_client_auth", certificate));
        assert.equal(error.code, "AUTH-001");
      }
    }),
}));

Deno.test(needing(OPENSSL, {
  name: "oidc-provider knows a client by the certificate it has registered, and by no other",
  fn: () =>
    withProvider(async ({ acquire, authority, registered, own }) => {
      const token = decodeJwt(await acquire("self_signed_tls_client_auth", own));
      assert.deepEqual(token["cnf"], { "x5t#S256": await thumbprint(own) });
      for (const certificate of [await authority.selfSigned("gateway"), registered, undefined]) {
        const error = await failureOf(acquire("self_signed_tls_client_auth", certificate));
        assert.equal(error.code, "AUTH-001");
      }
    }),
}));

Deno.test(needing(OPENSSL, {
  name: "HttpClient shows certificates with keys of every kind that OpenSSL writes",
  fn: () =>
    withProvider(async ({ acquire, authority }) => {
      for (
        const key of [["rsa:2048"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], ["ed25519"]]
      ) {
        const certificate = await authority.issue({ commonName: "gateway", key });
        await acquire("tls_client_auth", certificate);
      }
    }),
}));

Deno.test("Tokens got with one certificate are never used with another", () => {
  const http = new HttpClient({ allowlist: new Set() });
  const provider = { tokenEndpoint: "https://idp.test/token" };
  const prints = [undefined, "one", "two"].map((pem) =>
    source(provider, http, "tls_client_auth", pem).fingerprint
  );
  assert.equal(new Set(prints).size, 3);
  http.close();
});

async function thumbprint({ certificatePem }: KeyPair): Promise<string> {
  const { raw } = new X509Certificate(certificatePem);
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(raw));
  return new Uint8Array(digest).toBase64({ alphabet: "base64url", omitPadding: true });
}
