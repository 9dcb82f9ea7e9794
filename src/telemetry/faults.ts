/**
 * The gateway's own faults: what is wrong with its disk, audit trail, token cache and configuration,
 * whatever its servers do. Readiness, status page, management API and metrics derive from this list.
 */

/** What the faults mean, and what to do, in the order of the status page: the worst first. */
export const FAULTS = {
  audit_trail: {
    title: "The audit trail cannot be written",
    effect: "Requests are served without a record.",
    remedy:
      "Free space on its disk, make the file writable again, or make the syslog server reachable. The gateway then continues by itself.",
  },
  upload_buffer: {
    title: "Uploads cannot be buffered",
    effect: "Uploads above 1 MiB to AWS fail.",
    remedy:
      "Free space on the disk of StateDirectory, and check that the gateway's user may write to it. This stays here until such an upload succeeds.",
  },
  disk_space: {
    title: "A disk is full or nearly full",
    effect: "A full disk stops the audit trail, the token cache and uploads to AWS.",
    remedy: "Free space there, or move StateDirectory or Audit.File to a larger disk.",
  },
  token_cache: {
    title: "The token cache cannot be used",
    effect: "Requests are still served, with tokens in memory only.",
    remedy:
      "Check that the Redis server or KV service of TokenCache runs and is no read-only replica, or that the disk of StateDirectory is writable and not full.",
  },
  state_directory: {
    title: "The state directory cannot be used",
    effect: "Requests are still served, with tokens and uploads held in memory only.",
    remedy: "Correct StateDirectory (owner, mode, free space), then reload.",
  },
  configuration: {
    title: "The last reload of the configuration failed",
    effect: "The previous configuration stays in use.",
    remedy: "Correct the file (the command check shows what is wrong), then reload.",
  },
  audit_records_lost: {
    title: "Audit records were lost",
    effect: "The audit trail itself has a record of how many.",
    remedy:
      "Inform those responsible for the audit trail. This stays here until the gateway restarts.",
  },
} as const satisfies Record<
  string,
  { readonly title: string; readonly effect: string; readonly remedy: string }
>;

export type FaultKind = keyof typeof FAULTS;

export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[];

export interface Fault {
  readonly kind: FaultKind;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Why, without secrets. */
  readonly reason: string;
  /** What it stops: requests, which are rejected, or readiness (`GET /readyz` is 503). */
  readonly stops?: "requests" | "readiness" | undefined;
}

/** The current faults of one thread. */
export class FaultList {
  readonly #faults = new Map<FaultKind, Fault>();
  readonly #now: () => number;

  /** @param now The wall clock, in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * A fault has begun or continues, or, without a reason, is over.
   *
   * @param reason The latest; the time of the first is kept.
   */
  set(kind: FaultKind, reason: string | undefined, stops?: Fault["stops"]): void {
    if (reason === undefined) {
      this.#faults.delete(kind);
      return;
    }
    const sinceMs = this.#faults.get(kind)?.sinceMs ?? this.#now();
    this.#faults.set(kind, { kind, sinceMs, reason, stops });
  }

  get current(): readonly Fault[] {
    return [...this.#faults.values()];
  }
}

/** Merges the faults of several threads: one of each kind, since it began, the worst first. */
export function mergeFaults(faults: Iterable<Fault>): readonly Fault[] {
  const merged = new Map<FaultKind, Fault>();
  for (const fault of faults) {
    const other = merged.get(fault.kind);
    const sinceMs = Math.min(fault.sinceMs, other?.sinceMs ?? fault.sinceMs);
    merged.set(fault.kind, { ...fault, sinceMs, stops: fault.stops ?? other?.stops });
  }
  return FAULT_KINDS.flatMap((kind) => merged.get(kind) ?? []);
}

/** What a fault means for requests. */
export function effectOf({ kind, stops }: Pick<Fault, "kind" | "stops">): string {
  const { effect } = FAULTS[kind];
  if (stops === "requests") return "All requests to the servers are rejected meanwhile.";
  return stops === "readiness" ? `Not ready: GET /readyz answers 503. ${effect}` : effect;
}
