/** A store whose nginx requires a client certificate answers 400 to a client without one. */
import assert from "node:assert/strict";
import type { Report } from "../../../src/tools/doctor/finding.ts";
import { CertificateAuthority, OPENSSL } from "../../fixtures/certificate_authority.ts";
import { runWithConfig } from "../../fixtures/gateway_command.ts";
import { needing } from "../../fixtures/installed_tool.ts";
import { freePort } from "../../fixtures/listening.ts";
import { NGINX, startNginxWith } from "../../fixtures/nginx.ts";

Deno.test(needing(
  NGINX,
  needing(OPENSSL, {
    name: "doctor: a store's nginx that requires a client certificate is not called a wrong Url",
    async fn() {
      await using authority = await CertificateAuthority.create();
      await using strangers = await CertificateAuthority.create();
      const directory = await Deno.makeTempDir();
      const write = async (name: string, text: string) => {
        await Deno.writeTextFile(`${directory}/${name}`, text, { mode: 0o600 });
        return `${directory}/${name}`;
      };
      const issued = await authority.issue({
        commonName: "store",
        purpose: "server",
        key: ["rsa:2048"],
      });
      const VerifySSL = await write("ca.pem", authority.certificatePem);
      const port = freePort();
      await using _nginx = await startNginxWith(`
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${await write("store.crt", issued.certificatePem)};
        ssl_certificate_key ${await write("store.key", issued.keyPem)};
        ssl_client_certificate ${VerifySSL}; ssl_verify_client on;
        location / { default_type application/dicom+json; return 200 '[]'; }`);
      const search = async (who?: CertificateAuthority) => {
        const client = await who?.issue({ commonName: "gateway" });
        const certificate = client && {
          ClientCertificate: {
            CertificateFile: await write("client.crt", client.certificatePem),
            KeyFile: await write("client.key", client.keyPem),
          },
        };
        const main = { Url: `https://127.0.0.1:${port}`, ProviderType: "none", VerifySSL };
        const { stdout } = await runWithConfig({ Servers: { main: { ...main, ...certificate } } }, [
          "doctor",
          "--json",
        ]);
        const { servers: [server] }: Report = JSON.parse(stdout);
        const { message, advice } = server!.findings.find(({ step }) => step === "search")!;
        return [message, advice[0] ?? ""] as const;
      };
      try {
        assert.deepEqual(await search(authority), [
          "The store answers a search (no study yet).",
          "",
        ]);
        const [none, first] = await search();
        assert.equal(none, "The store requires a client certificate (status 400).");
        assert.match(first, /^Set ClientCertificate/);
        const [wrong, second] = await search(strangers);
        assert.equal(wrong, "The store rejects the client certificate (status 400).");
        assert.match(second, /^Set ClientCertificate .* that the store trusts/);
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    },
  }),
));
