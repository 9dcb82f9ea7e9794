/**
 * Examines what all servers share: the version of Deno, the state directory, the token cache, the audit
 * trail, the disks, the listener, a running gateway, and the connections to the issuers of clients' tokens.
 */
import { contacts, listenHostAndPort } from "../../config/sandbox/contacts.ts";
import { loopbackOf } from "../../config/values/host_names.ts";
import { permissionSet } from "../../config/sandbox/permission_set.ts";
import { isKvFile, isOptionalCache } from "../../config/keys/token_cache.ts";
import { SECTION } from "../../config/values/section.ts";
import type { GatewayConfig } from "../../config/gateway_config.ts";
import { createTokenStore } from "../../credentials/cache/create_token_store.ts";
import { askHealth } from "../../network/ask_health.ts";
import { createLogger } from "../../telemetry/logging.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { reasonOf } from "../../errors/reason.ts";
import { explainDeno } from "../../runtime/deno_version.ts";
import { stateDirectoryFault } from "../../runtime/state_directory.ts";
import {
  effectWithoutState,
  encryptionKeysIn,
  isStateOptional,
} from "../../runtime/token_cache_file.ts";
import { examineAudit } from "./examine_audit.ts";
import { examineContact } from "./examine_contact.ts";
import { examineDisks } from "./examine_disk.ts";
import { examineRunning } from "./examine_running.ts";
import { type Finding, finding } from "./finding.ts";

const HEALTH_TIMEOUT_MS = 5_000;

export async function examineGateway(config: GatewayConfig): Promise<Finding[]> {
  const { path } = config;
  const warnings = config.warnings ?? [];
  return [
    finding("configuration", path, "ok", `Valid; it has ${servers(config.servers.size)}.`),
    ...warnings.map((warning) => finding("configuration", path, "warn", `${warning}.`)),
    examineDeno(),
    await examineStateDirectory(config),
    await examineCache(config),
    ...(await examineAudit(config)),
    ...(await examineDisks(config)),
    ...(await examineListener(config)),
    ...(await examineIssuers(config)),
  ];
}

function servers(count: number): string {
  return count === 1 ? "1 server" : `${count} servers`;
}

async function examineIssuers(config: GatewayConfig): Promise<Finding[]> {
  const issuers = config.authentication?.issuers ?? new Map<string, never>();
  const places = contacts(config).filter(({ purpose, possible }) =>
    purpose === "keys of an issuer" && !possible
  );
  const findings = await Promise.all(places.map((contact) => {
    const { caCertificatesPem = [] } = issuers.get(contact.neededBy ?? "") ?? {};
    const caKey = `${SECTION}.Authentication.Jwt.${contact.neededBy}.CaFile`;
    return examineContact(contact, {
      proxy: config.proxy,
      tls: { caCertificatesPem },
      caKey,
      now: Date.now,
    });
  }));
  return findings.flat();
}

function examineDeno(): Finding {
  const { deno } = Deno.version;
  const { verdict, reason } = explainDeno(deno);
  if (verdict === "fit") return finding("deno", null, "ok", `Version ${deno} is supported.`);
  return finding("deno", null, verdict === "unfit" ? "failed" : "warn", `${reason}.`);
}

async function examineStateDirectory(config: GatewayConfig): Promise<Finding> {
  const { stateDirectory: path } = config;
  if (permissionSet(config).write === false) {
    return finding("state directory", path, "skipped", "Not tested: nothing is stored in it.");
  }
  const fault = await stateDirectoryFault(path);
  if (fault !== undefined) {
    const isOptional = isStateOptional(config);
    const message = isOptional ? `${fault}; ${effectWithoutState(config)}.` : `${fault}.`;
    const outcome = isOptional ? "warn" : "failed";
    return finding("state directory", path, outcome, message, { code: "CFG-002" });
  }
  const message = await statOf(path) === undefined
    ? "It does not exist yet; the gateway creates it."
    : "Only its owner has access.";
  return finding("state directory", path, "ok", message);
}

async function examineCache(config: GatewayConfig): Promise<Finding> {
  const { stateDirectory } = config;
  let cache = config.tokenCache;
  if (cache.backend === "memory") {
    return finding("token cache", null, "skipped", "Not tested: tokens are cached in memory only.");
  }
  if (isKvFile(cache)) {
    const directory = await statOf(stateDirectory);
    if (directory === undefined) {
      const message = "Not tested: it does not exist yet.";
      return finding("token cache", stateDirectory, "skipped", message);
    }
    // Opening it as another user would create files that the gateway cannot write.
    if (directory.uid !== Deno.uid()) {
      const why = `run \`doctor\` as the user of the gateway (${directory.uid})`;
      return finding("token cache", stateDirectory, "skipped", `Not tested: ${why} to test it.`);
    }
    if (await stateDirectoryFault(stateDirectory) !== undefined) {
      const message = "Not tested: the state directory cannot be used.";
      return finding("token cache", stateDirectory, "skipped", message);
    }
    try {
      const encryptionKeys = await encryptionKeysIn(stateDirectory, cache.encryptionKeys);
      cache = { ...cache, encryptionKeys };
    } catch (error) {
      const message = `Not writable; tokens are cached in memory only: ${reasonOf(error)}.`;
      return finding("token cache", stateDirectory, "warn", message);
    }
  }
  const store = createTokenStore(cache, {
    stateDirectory,
    metrics: createMetrics(),
    logger: createLogger("credentials"),
  });
  try {
    await store.probe();
    return finding("token cache", cache.backend, "ok", "A key was written, leased and deleted.");
  } catch (error) {
    const message = `It cannot be used: ${reasonOf(error).replace(/\.$/, "")}.`;
    const isOptional = isOptionalCache(cache);
    return finding("token cache", cache.backend, isOptional ? "warn" : "failed", message, {
      code: "INT-002",
      advice: [
        isKvFile(cache)
          ? "Check that the gateway's user may write to tokens.kv in StateDirectory, that the disk is not full, and that no program locks the file; it can be deleted while no gateway runs."
          : "Check TokenCache, that the service runs, is no read-only replica, and lets the gateway write.",
        `Traffic continues without it${isOptional ? "" : "; `/readyz` returns 503"}.`,
      ],
    });
  } finally {
    await store.close();
  }
}

async function examineListener(config: GatewayConfig): Promise<Finding[]> {
  const { address, port, tls } = config.listen;
  const target = listenHostAndPort(config);
  if (port === 0) {
    return [finding("listener", target, "skipped", "Not tested: any free port is used.")];
  }
  try {
    Deno.listen({ hostname: address, port }).close();
    return [finding("listener", target, "ok", "The port is free; no gateway runs here.")];
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return await examineOccupant();
    const message = `It cannot listen there: ${reasonOf(error)}.`;
    return [finding("listener", target, "failed", message, {
      advice: ["Check Listen.Address and Listen.Port; ports below 1024 need a privilege."],
    })];
  }

  async function examineOccupant(): Promise<Finding[]> {
    const local = { host: loopbackOf(address), port, tls: tls !== undefined };
    const status = await askHealth(local, HEALTH_TIMEOUT_MS).catch(() => undefined);
    if (status === 200) {
      const running = finding("listener", target, "ok", "A healthy gateway is running here.");
      const isProtected = config.authentication !== undefined;
      return [running, ...await examineRunning(local, { target, isProtected })];
    }
    return [finding("listener", target, "failed", "Another program uses this port.", {
      advice: ["Stop that program, or choose another port with Listen.Port or --port."],
    })];
  }
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  return await Deno.stat(path).catch(() => undefined);
}
