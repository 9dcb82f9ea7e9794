/**
 * Examines a configuration: what all servers share, and each server, all concurrently.
 *
 * @module
 */
import { contacts } from "../../config/sandbox/contacts.ts";
import type { GatewayConfig } from "../../config/gateway_config.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { assembleStores } from "../../runtime/assemble_stores.ts";
import { examineGateway } from "./examine_gateway.ts";
import { examineServer } from "./examine_server.ts";
import { type Report, type ServerReport, worst } from "./finding.ts";
import type { SeenClock } from "./explain_clock.ts";
import { singleAttempt } from "./single_attempt.ts";

/** Examines the named servers. Fetches new tokens once each, and keeps them out of shared caches. */
export async function examine(
  config: GatewayConfig,
  { names, version }: { readonly names: readonly string[]; readonly version: string },
): Promise<Report> {
  const [gateway, servers] = await Promise.all([
    examineGateway(config),
    Promise.all(names.map((name) => examineOne(config, name, version))),
  ]);
  const outcome = worst([...gateway, ...servers]);
  return { version: 1, outcome, checkedAt: new Date().toISOString(), gateway, servers };
}

/** Uses clients of its own, so that the clocks belong to this server. */
async function examineOne(
  config: GatewayConfig,
  name: string,
  version: string,
): Promise<ServerReport> {
  const examined = singleAttempt(config, [name]);
  const clocks = new Map<string, SeenClock>();
  const { stores, close } = assembleStores(examined, {
    metrics: createMetrics(),
    version,
    onAnswer: (address, headers) => {
      const at = Date.parse(headers.get("date") ?? "");
      if (!Number.isNaN(at)) clocks.set(address, { aheadMs: at - Date.now() });
    },
  });
  try {
    const server = examined.servers.get(name)!;
    return await examineServer({
      server,
      store: stores.get(name)!,
      contacts: contacts(examined).filter(({ neededBy, purpose }) =>
        // An issuer of clients' tokens can have the same name as a server.
        neededBy === name && purpose !== "keys of an issuer"
      ),
      proxy: config.proxy,
      clocks,
      now: Date.now,
    });
  } finally {
    await close();
  }
}
