/**
 * Events of the audit trail: who, what, where, with which outcome. Never a credential, a patient's
 * name, or the value of a query parameter.
 */

export type AuditKind =
  /** A request to a store. */
  | "access"
  /** A request to one of the gateway's own pages. */
  | "management"
  /** Authentication failed. */
  | "authentication"
  /** Permission denied. */
  | "authorization"
  /** A token was acquired, renewed or revoked, or that failed. */
  | "token"
  /** Start, stop, reload (successful or not) or a worker crash. */
  | "gateway"
  /** The trail itself was truncated or lost records. */
  | "trail";

export interface AuditEvent {
  /** End of the event, as ISO 8601 in UTC. */
  readonly time: string;
  readonly event: AuditKind;
  /** A few words of a bounded set. */
  readonly outcome: string;
  /** Further details; `null` if unknown. */
  readonly [detail: string]: string | number | null | readonly string[];
}

export interface AuditRecorder {
  /** Whether requests must be refused because nothing can be recorded. */
  readonly isRefusing: boolean;
  record(event: AuditEvent): void;
}
