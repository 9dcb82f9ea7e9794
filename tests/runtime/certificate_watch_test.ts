import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/parse_config.ts";
import { CertificateWatch } from "../../src/runtime/certificate_watch.ts";
import { createSupervisorMetrics } from "../../src/runtime/supervisor_metrics.ts";
import { loadFromMemory } from "../config/memory_files.ts";
import { CERTIFICATE_PEM, KEY_PEM } from "../fixtures/lasting_certificate.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";

const DAY_MS = 86_400_000;

async function config(Listen: Record<string, unknown>) {
  const Servers = { a: { Url: "https://store.example", ProviderType: "none" } };
  return await parseConfig(
    await loadFromMemory({ DicomWebOAuth: { Listen, Servers } }, {
      files: { "/srv/gateway/tls.crt": CERTIFICATE_PEM, "/srv/gateway/tls.key": KEY_PEM },
    }),
  );
}

const WITH_TLS = { Tls: { CertificateFile: "tls.crt", KeyFile: "tls.key" } };

Deno.test("CertificateWatch exports the certificates in use to Prometheus, and no others", async () => {
  const { certificateExpiry: expiry } = createSupervisorMetrics();
  const watch = new CertificateWatch({ expiry, logger: new MemoryLogger() });
  watch.take(await config(WITH_TLS));
  const [{ labels, value } = { labels: {}, value: 0 }] = (await expiry.get()).values;
  assert.deepEqual(labels, { use: "listener", server: "" });
  assert.ok(value > Date.UTC(2125, 0, 1) / 1000);
  watch.take(await config({}));
  assert.deepEqual((await expiry.get()).values, []);
  watch.close();
});

Deno.test("CertificateWatch warns in the log every day of the last month", async () => {
  const { certificateExpiry: expiry } = createSupervisorMetrics();
  const logger = new MemoryLogger();
  let nowMs = 0;
  const watch = new CertificateWatch({ expiry, logger, now: () => nowMs });
  watch.take(await config(WITH_TLS));
  const [{ value } = { value: 0 }] = (await expiry.get()).values;
  nowMs = value * 1000 - 31 * DAY_MS;
  watch.warn();
  assert.equal(logger.lines.length, 0);
  nowMs += 2 * DAY_MS;
  watch.warn();
  watch.warn();
  assert.deepEqual(
    logger.lines.map(({ level, fields }) => [level, fields.use, fields.warning]),
    Array.from({ length: 2 }, () => [
      "warn",
      "listener",
      `the certificate expires on ${new Date(value * 1000).toISOString().slice(0, 10)}, in 29 days`,
    ]),
  );
  watch.close();
});
