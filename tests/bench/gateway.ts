/**
 * The gateway as it is run where it matters: clients show who they are and may do what they are permitted.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { KEY, KEY_HEADER } from "./messages.ts";

const hash = `sha256:${createHash("sha256").update(KEY).digest("hex")}`;

/**
 * Starts the gateway.
 *
 * @param section What is to be measured: the servers, and how many workers.
 * @returns Its process.
 */
export function startMeasured(section: Record<string, unknown>): Promise<GatewayProcess> {
  return startGateway({
    Authentication: { ApiKeys: { Header: KEY_HEADER, Keys: { bench: hash } } },
    Permissions: [
      {
        Subjects: ["key:bench"],
        Servers: ["main"],
        Transactions: ["query", "retrieve", "store", "unknown"],
      },
    ],
    ...section,
  });
}
