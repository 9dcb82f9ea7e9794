/**
 * The faults that no single worker has: of the audit trail, the disks, the state directory and reloads.
 */
import type { AuditConfig, GatewayConfig } from "../config/gateway_config.ts";
import { reasonOf } from "../errors/reason.ts";
import { type Fault, FaultList } from "../telemetry/faults.ts";
import { diskFault, writtenDirectories } from "./disk_space.ts";

export class SupervisorFaults {
  readonly #list: FaultList;
  readonly #now: () => number;
  #loadedMs: number;
  #lost = 0;

  /** @param now The wall clock, in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#list = new FaultList(now);
    this.#now = now;
    this.#loadedMs = now();
  }

  /** @param reason Undefined when it can be written again. */
  auditTrail(reason: string | undefined, onFailure: AuditConfig["onFailure"]): void {
    this.#list.set("audit_trail", reason, onFailure === "refuse" ? "requests" : undefined);
  }

  auditRecordsLost(count: number): void {
    if (count === 0) return;
    this.#lost += count;
    this.#list.set("audit_records_lost", `${this.#lost} lost since the gateway started`);
  }

  reloaded(): void {
    this.#loadedMs = this.#now();
    this.#list.set("configuration", undefined);
  }

  reloadFailed(error: unknown): void {
    const loaded = new Date(this.#loadedMs).toISOString();
    const reason = reasonOf(error);
    this.#list.set("configuration", `${reason}\nIn use is the configuration loaded at ${loaded}`);
  }

  /** @param stateFault Why the state directory cannot be used, if it cannot. */
  async current(config: GatewayConfig, stateFault: string | undefined): Promise<readonly Fault[]> {
    this.#list.set("disk_space", await diskFault(writtenDirectories(config)));
    this.#list.set("state_directory", stateFault);
    return this.#list.current;
  }
}
