/**
 * A request body that was read to its end before sending, because a signature covers it.
 *
 * @module
 */
import type { RequestBody } from "../network/http_client.ts";

/** A body that can be sent, and sent again. */
export interface KeptBody {
  /** Its length in bytes. */
  readonly length: number;
  /** Its SHA-256, in hexadecimal. */
  readonly sha256: string;
  /**
   * Opens it for sending, from its beginning. What was opened before gives nothing more.
   *
   * @returns What to send; it goes with its length.
   */
  open(): RequestBody;
  /** Frees what holds it. What is being sent breaks off. */
  close(): void;
}
