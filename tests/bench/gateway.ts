/**
 * The gateway configured as in production: clients authenticate, have permissions and are audited.
 */
import {
  type GatewayProcess,
  type GatewayProcessOptions,
  startGateway,
} from "../fixtures/gateway_process.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";
import { KEY, KEY_HEADER } from "./messages.ts";

/** Starts the gateway with the measured servers and options. */
export function startMeasured(
  section: Record<string, unknown>,
  options?: GatewayProcessOptions,
): Promise<GatewayProcess> {
  return startGateway({
    Authentication: { ApiKeys: { Header: KEY_HEADER, Keys: { bench: `sha256:${sha256(KEY)}` } } },
    Permissions: [
      {
        Subjects: ["key:bench"],
        Servers: ["main"],
        Transactions: ["query", "retrieve", "store", "unknown"],
      },
    ],
    Audit: { File: "${TEST_DIRECTORY}/audit/audit.jsonl", MaxFiles: 1 },
    ...section,
  }, options);
}
