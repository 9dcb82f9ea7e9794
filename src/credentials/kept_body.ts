/**
 * A request body that was read to its end before sending, because a signature covers it.
 *
 * @module
 */

/** A body that can be sent, and sent again. */
export interface KeptBody {
  /** Its length in bytes. */
  readonly length: number;
  /** Its SHA-256, in hexadecimal. */
  readonly sha256: string;
  /**
   * Opens it for sending, from its beginning. What was opened before gives nothing more.
   *
   * @returns What to give to `fetch`, which sends it with its length.
   */
  open(): BodyInit;
  /** Frees what holds it. What is being sent breaks off. */
  close(): void;
}
