/**
 * What travels with a request through the gateway's middleware.
 *
 * @module
 */
import type { Caller } from "../credentials/inbound/caller.ts";
import type { Transaction } from "../dicomweb/transaction.ts";
import type { Transfer } from "./activity.ts";

/** Types of Hono's context: what the runtime hands in, and what middleware adds. */
export interface GatewayEnv {
  /** The part of `Deno.ServeHandlerInfo` that is used. */
  readonly Bindings: {
    /** Settles when the answer has been sent to its end, or failed to. */
    readonly completed: Promise<void>;
    /** Who sent the request. */
    readonly remoteAddr?: { readonly hostname: string };
  };
  readonly Variables: {
    /** The request's identifier, the client's own where it sent an acceptable one. */
    requestId: string;
    /** Who sent the request, where the gateway asks. */
    caller: Caller | undefined;
    /** Where they are, once it was asked for. */
    address: string | undefined;
    /** Name of the configured server the request goes to, once known. */
    server: string | undefined;
    /** What the request asks that server's store for, once known. */
    transaction: Transaction | undefined;
    /** The request on its way to a store, where it is on one. */
    transfer: Transfer | undefined;
    /** Settles when the WebSocket that the request opened is closed. */
    socketClosed: Promise<void> | undefined;
  };
}
