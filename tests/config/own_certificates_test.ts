import assert from "node:assert/strict";
import { expiryWarning } from "../../src/config/values/certificate_expiry.ts";
import { ownCertificates } from "../../src/config/sandbox/own_certificates.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { CERTIFICATE_PEM, KEY_PEM } from "../fixtures/lasting_certificate.ts";
import { loadFromMemory, problemsOf } from "./memory_files.ts";

const TOKEN = { TokenEndpoint: "https://idp.example/token", ClientId: "gateway" };
const URL = "https://store.example";

/** All three kinds: TLS to clients, mutual TLS, the header of assertions. */
function section(): Record<string, unknown> {
  const pair = { CertificateFile: "tls.crt", KeyFile: "tls.key" };
  return {
    Listen: { Tls: pair },
    Servers: {
      mutual: { Url: URL, ...TOKEN, ClientSecret: "s", ClientCertificate: pair },
      assertion: {
        Url: URL,
        ...TOKEN,
        ClientAuthentication: "private_key_jwt",
        PrivateKey: "${file:/srv/gateway/tls.key}",
        AssertionCertificate: "${file:/srv/gateway/tls.crt}",
      },
    },
  };
}

const read = async (certificatePem: string, keyPem: string) =>
  await parseConfig(
    await loadFromMemory({ DicomWebOAuth: section() }, {
      files: { "/srv/gateway/tls.crt": certificatePem, "/srv/gateway/tls.key": keyPem },
    }),
  );

Deno.test("ownCertificates lists those of the listener and of servers", async () => {
  const config = await read(CERTIFICATE_PEM, KEY_PEM);
  assert.deepEqual(config.warnings ?? [], []);
  const listed = ownCertificates(config);
  assert.deepEqual(listed.map(({ use, server }) => [use, server]), [
    ["listener", ""],
    ["client", "mutual"],
    ["assertion", "assertion"],
  ]);
  for (const { expiresAtMs } of listed) {
    assert.ok(expiresAtMs > Date.UTC(2125, 0, 1), String(expiresAtMs));
  }
});

const NOW = Date.UTC(2026, 0, 1);
const expiries: readonly (readonly [expiresAtMs: number, warning: string | undefined])[] = [
  [Date.UTC(2025, 11, 31), "the certificate expired on 2025-12-31"],
  [Date.UTC(2026, 0, 2), "the certificate expires on 2026-01-02, in 1 day"],
  [Date.UTC(2026, 0, 30), "the certificate expires on 2026-01-30, in 29 days"],
  [Date.UTC(2026, 0, 31), undefined],
];
for (const [expiresAtMs, warning] of expiries) {
  Deno.test(`expiryWarning on 2026-01-01: ${warning ?? "none 30 days before"}`, () => {
    assert.equal(expiryWarning(expiresAtMs, NOW), warning);
  });
}

Deno.test(needing(OPENSSL, {
  name:
    "A certificate of the gateway that has expired, or soon will, causes a warning for each use",
  async fn() {
    await using authority = await CertificateAuthority.create();
    for (
      const [days, told] of [[2, /expires on \d{4}-\d\d-\d\d, in [12] days?$/], [
        0,
        /expired on/,
      ]] as const
    ) {
      const pair = await authority.issue({ commonName: "gateway", isExpired: days === 0 });
      const { warnings = [] } = await read(pair.certificatePem, pair.keyPem);
      const places = [
        "Listen.Tls.CertificateFile",
        "Servers.mutual.ClientCertificate.CertificateFile",
        "Servers.assertion.AssertionCertificate",
      ];
      assert.equal(warnings.length, places.length, warnings.join("\n"));
      for (const place of places) {
        const warning = warnings.find((each) => each.includes(place));
        assert.match(warning ?? "", told, place);
      }
    }
  },
}));

Deno.test(needing(OPENSSL, {
  name: "Listen.Tls is rejected if certificate and key do not match",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const { certificatePem } = await authority.issue({ commonName: "gateway", purpose: "server" });
    const { keyPem } = await authority.selfSigned("other");
    const Tls = { CertificateFile: "tls.crt", KeyFile: "tls.key" };
    const Servers = { a: { Url: URL, ProviderType: "none" } };
    const problems = await problemsOf({ DicomWebOAuth: { Listen: { Tls }, Servers } }, {
      files: { "/srv/gateway/tls.crt": certificatePem, "/srv/gateway/tls.key": keyPem },
    });
    assert.deepEqual(problems.map(({ path, message }) => `${path}: ${message}`), [
      "DicomWebOAuth.Listen.Tls.KeyFile: is not the key of the first certificate in CertificateFile",
    ]);
  },
}));
