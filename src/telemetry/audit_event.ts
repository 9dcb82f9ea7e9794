/**
 * What the audit trail tells about one happening: who, what, where, how it ended. Never a credential,
 * a patient's name, or the value of a query parameter.
 *
 * @module
 */

/** What kind of happening. */
export type AuditKind =
  /** A request to a store. */
  | "access"
  /** A request for one of the gateway's own pages. */
  | "management"
  /** Somebody did not show who they are. */
  | "authentication"
  /** Somebody may not do what they asked for. */
  | "authorization"
  /** A token was fetched, renewed, revoked, or could not be. */
  | "token"
  /** The gateway started, stopped, took another configuration or refused it, lost a worker. */
  | "gateway"
  /** The trail itself was cut off, or lost records. */
  | "trail";

/** One happening, before it becomes a record of the trail. */
export interface AuditEvent {
  /** When it ended, as ISO 8601 in UTC. */
  readonly time: string;
  readonly event: AuditKind;
  /** How it ended, in a few words of a bounded set. */
  readonly outcome: string;
  /** What else is known, by name; `null` where it cannot be. */
  readonly [detail: string]: string | number | null | readonly string[];
}

/** Takes what happened. */
export interface AuditRecorder {
  /** Whether requests are refused now, because nothing can be recorded. */
  readonly isRefusing: boolean;
  /** @param event What happened. */
  record(event: AuditEvent): void;
}
