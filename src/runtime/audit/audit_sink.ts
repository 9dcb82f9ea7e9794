/**
 * Where the records of the audit trail go.
 *
 * @module
 */

/** Takes records for good. */
export interface AuditSink {
  /**
   * Writes records.
   *
   * @param lines Each a JSON text without a line end.
   * @param sequence Number of the last of them.
   * @throws When they are not written; then they are given again.
   */
  write(lines: readonly string[], sequence: number): Promise<void>;
  /** Frees what is held, and ends a write under way where it can. */
  close(): void | Promise<void>;
}
