/**
 * What stands between client and store in the far benchmark: nothing, nginx, or the gateway.
 */
import { existsSync } from "node:fs";
import type { GatewayProcessOptions } from "../../fixtures/gateway_process.ts";
import { startMeasured } from "../gateway.ts";
import { NGINX, startNginx } from "../proxies.ts";

/** One way to the store. */
export interface System {
  readonly name: string;
  /** The base URL of the DICOMweb service. */
  readonly base: string;
  /** Of the process between; undefined if there is none. */
  readonly pid?: number;
}

export const DIRECT = "direct";
export const NEAR = "near";
export const FAR = "far";

/** Distances that the gateway's configuration can have; none: without the key. */
export type Distance = typeof NEAR | typeof FAR;

/**
 * The key that sets a server's distance.
 *
 * @returns Undefined while the gateway does not have it: it is `near` then, and nothing else.
 */
function distanceKey(distance: Distance): Readonly<Record<string, unknown>> | undefined {
  return distance === NEAR ? {} : undefined;
}

/** Distances that can be measured. */
export const DISTANCES: readonly Distance[] = ([NEAR, FAR] as const)
  .filter((distance) => distanceKey(distance) !== undefined);

/**
 * The configuration of a gateway before a store of this origin.
 *
 * @param distance Undefined for a gateway that does not have the key.
 */
export function gatewaySection(
  storeOrigin: string,
  distance: Distance | undefined,
): Record<string, unknown> {
  return {
    Servers: {
      main: {
        Url: `${storeOrigin}/dicom-web`,
        ProviderType: "headers",
        Headers: { Authorization: "Bearer fixed" },
        ...distance && distanceKey(distance),
      },
    },
  };
}

/** Starts what stands before the store; all end with the stack. */
export async function startSystems(
  storePort: number,
  stack: AsyncDisposableStack,
): Promise<System[]> {
  const origin = `http://127.0.0.1:${storePort}`;
  const systems: System[] = [{ name: DIRECT, base: `${origin}/dicom-web` }];
  if (existsSync(NGINX)) {
    const { port, pid } = stack.use(await startNginx({ store: storePort }));
    systems.push({ name: "nginx", base: `http://127.0.0.1:${port}/dicom-web`, pid });
  }
  for (const distance of DISTANCES) {
    systems.push(await startSystem(distance, gatewaySection(origin, distance), stack));
  }
  return systems;
}

/** Starts a gateway. */
export async function startSystem(
  name: string,
  section: Record<string, unknown>,
  stack: AsyncDisposableStack,
  options: GatewayProcessOptions = {},
): Promise<System> {
  const gateway = stack.use(await startMeasured(section, options));
  return { name, base: `${gateway.url}/dicom-web/main`, pid: gateway.pid };
}
