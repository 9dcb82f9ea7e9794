/**
 * The gateway configured as in production: clients authenticate, have permissions and are audited.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { KEY, KEY_HEADER } from "./messages.ts";

const hash = `sha256:${createHash("sha256").update(KEY).digest("hex")}`;

/** Starts the gateway with the measured servers and options. */
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
    Audit: { File: "${TEST_DIRECTORY}/audit/audit.jsonl", MaxFiles: 1 },
    ...section,
  });
}
