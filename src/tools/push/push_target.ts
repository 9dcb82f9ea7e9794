/**
 * Where a push sends to: a running gateway, or one assembled in this process for one server. Both
 * accept the same requests.
 */
import type { GatewayConfig } from "../../config/gateway_config.ts";
import type { ServerConfig } from "../../config/keys/server.ts";
import { createQuotaMemory } from "../../gateway/steps/quota_table.ts";
import { hostAndPort } from "../../config/values/host_names.ts";
import { HttpClient } from "../../network/http_client.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { assembleGateway } from "../../runtime/assemble_gateway.ts";

export interface PushTarget {
  /** Its name in the journal. */
  readonly name: string;
  /** Sends one STOW-RS request, and returns what `read` returns after reading the whole response. */
  send<T>(
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    headers: Headers,
    read: (response: Response) => Promise<T>,
  ): Promise<T>;
  close(): Promise<void>;
}

/**
 * A server of the configuration, through a gateway in this process. It has no listener, so the
 * configuration of clients does not apply.
 */
export function ownGateway(
  config: GatewayConfig,
  server: ServerConfig,
  version: string,
): PushTarget {
  const gateway = assembleGateway({
    ...config,
    authentication: undefined,
    permissions: undefined,
    rateLimit: undefined,
    audit: undefined,
    cors: undefined,
    publicUrl: undefined,
    workers: 1,
    // The cache in the state directory needs a key that only the supervisor prepares.
    tokenCache: { backend: "memory" },
    servers: new Map([[server.name, { ...server, rateLimit: undefined }]]),
  }, {
    metrics: createMetrics(),
    metricsText: () => Promise.resolve(""),
    announceRevocation: () => {},
    states: () => Promise.resolve({ states: [], silent: 0, faults: [] }),
    formKey: crypto.randomUUID(),
    version,
    quotas: { failures: createQuotaMemory(), requests: createQuotaMemory() },
  });
  const url = `http://127.0.0.1/dicom-web/${server.name}/studies`;
  return {
    name: `${server.name} at ${server.url}`,
    async send(body, headers, read) {
      const { promise: completed, resolve } = Promise.withResolvers<void>();
      try {
        const remoteAddr = { transport: "tcp", hostname: "127.0.0.1", port: 0 } as const;
        const request = new Request(url, { method: "POST", headers, body });
        return await read(await gateway.handle(request, { remoteAddr, completed }));
      } finally {
        resolve();
      }
    },
    close: gateway.close,
  };
}

/** @param gatewayUrl Without a trailing slash. */
export function runningGateway(
  gatewayUrl: string,
  server: string,
  authorization: string | undefined,
): PushTarget {
  const url = `${gatewayUrl}/dicom-web/${server}/studies`;
  const http = new HttpClient({ allowlist: new Set([hostAndPort(url)]) });
  return {
    name: `${server} at ${gatewayUrl}`,
    async send(body, headers, read) {
      if (authorization !== undefined) headers.set("authorization", authorization);
      return await read(await http.send(url, { method: "POST", headers, body }));
    },
    close: () => Promise.resolve(http.close()),
  };
}
