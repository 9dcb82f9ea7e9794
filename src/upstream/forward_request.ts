/**
 * A client's request to a store, and what is known of it while it is in progress.
 */
import type { Transaction } from "../dicomweb/transaction/transaction.ts";
import type { StowOutcome } from "../dicomweb/stow/stow_outcome.ts";

/** Bytes of the bodies so far; undefined for a body that does not pass through JavaScript. */
export interface PassedBytes {
  fromClient: number | undefined;
  fromStore: number | undefined;
}

/** What is known of a request in progress besides its response. */
export interface PassedFacts extends PassedBytes {
  /** What the store reports of an upload, if it does. */
  stow: StowOutcome | undefined;
  /** Whether the response comes from memory, not from the store. */
  isFromMemory?: boolean;
}

export interface ForwardRequest {
  readonly request: Request;
  /** Path below the store's base URL and query, as in the request line. */
  readonly target: string;
  readonly transaction: Transaction;
  /** Sent to the store as `X-Request-ID`. */
  readonly requestId: string;
  /** The gateway's URL as the client sees it, if known. */
  readonly publicUrl: string | undefined;
  /** The client's name; answers for one client go to no other. */
  readonly subject?: string | undefined;
  /** Settles when the response has been sent completely (RFC 9110), or sending failed. */
  readonly completed: Promise<void>;
  /** Updated as the bodies pass. */
  readonly passed?: PassedFacts | undefined;
}
