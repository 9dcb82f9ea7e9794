/**
 * The state of the gateway for its status page and its API: each worker's report, as plain data, and all
 * of them merged, so that every worker shows the same.
 */
import type { CredentialStatus } from "../../credentials/authorizer.ts";
import { type Fault, type FaultList, mergeFaults } from "../../telemetry/faults.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Store } from "../../upstream/store.ts";
import {
  type Activity,
  type ActivityReport,
  type LastOutcome,
  SLOTS,
  type Transfer,
  type UploadVerdict,
  type Verdict,
  type Window,
} from "./activity.ts";
import type { ErrorSummary } from "./error_summary.ts";

/** As the metrics number the states of a circuit breaker. */
export type BreakerState = 0 | 1 | 2;

/** One server as one worker sees it, or all workers together. */
export interface ServerState extends ActivityReport {
  readonly name: string;
  readonly hasToken: boolean;
  readonly expiresAtMs: number | undefined;
  readonly tokenBreaker: BreakerState;
  readonly storeBreaker: BreakerState;
  readonly inFlight: number;
  readonly queued: number;
}

/** A transfer, without what may identify a patient. */
export interface TransferReport
  extends Omit<Transfer, "transaction" | "beganMs" | "isTest" | "stow"> {
  readonly transaction: string;
}

export interface WorkerState {
  readonly servers: readonly ServerState[];
  /** The transfers that have taken longest. */
  readonly transfers: readonly TransferReport[];
  readonly underWay: number;
  readonly faults: readonly Fault[];
}

export interface GatewayState {
  readonly servers: ReadonlyMap<string, ServerState>;
  readonly transfers: readonly TransferReport[];
  readonly underWay: number;
  /** How many workers have reported. */
  readonly workers: number;
  /** How many have not reported in time. */
  readonly silent: number;
  /** The gateway's own faults, the worst first. */
  readonly faults: readonly Fault[];
}

export interface WorkerReports {
  readonly states: readonly WorkerState[];
  /** How many workers have not reported in time. */
  readonly silent: number;
  /** Those that no single worker has. */
  readonly faults: readonly Fault[];
}

export async function workerState({ stores, activity, metrics, faults }: {
  readonly stores: ReadonlyMap<string, Store>;
  readonly activity: Activity;
  readonly metrics: Metrics;
  readonly faults?: FaultList | undefined;
}): Promise<WorkerState> {
  const [inFlight, queued, tokenBreaker, storeBreaker] = await Promise.all(
    [
      metrics.storeRequestsInFlight,
      metrics.storeRequestsQueued,
      metrics.circuitBreakerState,
      metrics.storeCircuitBreakerState,
    ].map(async (gauge) =>
      new Map((await gauge.get()).values.map(({ labels, value }) => [labels.server, value]))
    ),
  );
  const servers = [...stores.values()].map(({ name, authorizer }): ServerState => {
    const { hasToken, expiresAtMs }: CredentialStatus = authorizer.describe();
    return {
      name,
      hasToken,
      expiresAtMs,
      tokenBreaker: (tokenBreaker?.get(name) ?? 0) as BreakerState,
      storeBreaker: (storeBreaker?.get(name) ?? 0) as BreakerState,
      inFlight: inFlight?.get(name) ?? 0,
      queued: queued?.get(name) ?? 0,
      ...activity.of(name),
    };
  });
  const transfers = activity.oldest().map((
    { transaction, beganMs: _, isTest: __, stow: ___, ...report },
  ) => ({
    ...report,
    transaction: transaction.name,
  }));
  return { servers, transfers, underWay: activity.underWay, faults: faults?.current ?? [] };
}

export function mergeStates({ states, silent, faults }: WorkerReports): GatewayState {
  const servers = new Map<string, ServerState>();
  for (const state of states) {
    for (const server of state.servers) {
      const other = servers.get(server.name);
      servers.set(server.name, other === undefined ? server : mergeServers(other, server));
    }
  }
  return {
    servers,
    transfers: states.flatMap(({ transfers }) => transfers)
      .sort((one, other) => one.startedMs - other.startedMs),
    underWay: states.reduce((sum, { underWay }) => sum + underWay, 0),
    workers: states.length,
    silent,
    faults: mergeFaults([...faults, ...states.flatMap((state) => state.faults)]),
  };
}

function mergeServers(one: ServerState, other: ServerState): ServerState {
  return {
    name: one.name,
    hasToken: one.hasToken || other.hasToken,
    expiresAtMs: latest(one.expiresAtMs, other.expiresAtMs),
    tokenBreaker: Math.max(one.tokenBreaker, other.tokenBreaker) as BreakerState,
    storeBreaker: Math.max(one.storeBreaker, other.storeBreaker) as BreakerState,
    inFlight: one.inFlight + other.inFlight,
    queued: one.queued + other.queued,
    window: addWindows(one.window, other.window),
    verdict: later<Verdict>(one.verdict, other.verdict),
    upload: later<UploadVerdict>(one.upload, other.upload),
    lastError: later<ErrorSummary>(one.lastError, other.lastError),
    lastRequest: later<LastOutcome>(one.lastRequest, other.lastRequest),
  };
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.max(one, other);
}

function later<T extends { readonly atMs: number }>(
  one: T | undefined,
  other: T | undefined,
): T | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.atMs > one.atMs ? other : one;
}

/** Adds two windows slot by slot, up to the newer of their slots. */
export function addWindows(one: Window, other: Window): Window {
  // `QUIET` has slot 0.
  if (one.slot === 0) return other;
  if (other.slot === 0) return one;
  const slot = Math.max(one.slot, other.slot);
  const add = (measure: "requests" | "failures" | "totalMs" | "bytes") =>
    Array.from(
      { length: SLOTS },
      (_, i) =>
        (one[measure][i + slot - one.slot] ?? 0) + (other[measure][i + slot - other.slot] ?? 0),
    );
  return {
    slot,
    requests: add("requests"),
    failures: add("failures"),
    totalMs: add("totalMs"),
    bytes: add("bytes"),
  };
}
