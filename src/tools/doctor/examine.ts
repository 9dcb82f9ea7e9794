/**
 * Examines a configuration: what all servers share, and each server, all concurrently.
 */
import { contacts } from "../../config/sandbox/contacts.ts";
import type { GatewayConfig } from "../../config/gateway_config.ts";
import { examineGateway } from "./examine_gateway.ts";
import { examineServer } from "./examine_server.ts";
import { type Report, type ServerReport, worst } from "./finding.ts";
import type { SeenClock } from "./explain_clock.ts";
import { withStore } from "./with_store.ts";

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
  const clocks = new Map<string, SeenClock>();
  const onAnswer = (address: string, headers: Headers) => {
    const at = Date.parse(headers.get("date") ?? "");
    if (!Number.isNaN(at)) clocks.set(address, { aheadMs: at - Date.now() });
  };
  return await withStore(config, name, { version, onAnswer }, (store, examined) =>
    examineServer({
      server: examined.servers.get(name)!,
      store,
      contacts: contacts(examined).filter(({ neededBy, purpose }) =>
        // An issuer of clients' tokens can have the same name as a server.
        neededBy === name && purpose !== "keys of an issuer"
      ),
      proxy: config.proxy,
      clocks,
      now: Date.now,
    }));
}
