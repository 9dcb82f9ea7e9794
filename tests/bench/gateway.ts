/**
 * The gateway as it is run where it matters: clients show who they are and may do what they are permitted,
 * and all of it is recorded.
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
 */
export async function startMeasured(section: Record<string, unknown>): Promise<GatewayProcess> {
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-bench-" });
  const process = await startGateway({
    Authentication: { ApiKeys: { Header: KEY_HEADER, Keys: { bench: hash } } },
    Permissions: [
      {
        Subjects: ["key:bench"],
        Servers: ["main"],
        Transactions: ["query", "retrieve", "store", "unknown"],
      },
    ],
    Audit: { File: `${directory}/audit/audit.jsonl`, MaxFiles: 1 },
    ...section,
  });
  const stop: GatewayProcess["stop"] = async (signal) => {
    const status = await process.stop(signal);
    await Deno.remove(directory, { recursive: true }).catch(() => {});
    return status;
  };
  return {
    ...process,
    stop,
    async [Symbol.asyncDispose]() {
      await stop("SIGKILL");
    },
  };
}
