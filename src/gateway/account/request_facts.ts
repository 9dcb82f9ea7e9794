/**
 * The facts of one request, from which metrics, audit record, activity and log are made.
 */
import type { GatewayError } from "../../errors/gateway_error.ts";
import type { Transaction } from "../../dicomweb/transaction/transaction.ts";
import type { Destination } from "../gateway_env.ts";
import type { Transfer } from "./activity.ts";

/** Known once the request has a response, or has been cut off before. */
export interface RequestFacts {
  readonly requestId: string;
  readonly method: string;
  readonly destination: Destination;
  /** The configured server that the request reached. */
  readonly server: string | undefined;
  /** The configured server that the request names, whether it reached it or was rejected before. */
  readonly named: string | undefined;
  readonly transaction: Transaction | undefined;
  readonly subject: string;
  readonly client: string;
  /** Undefined if the request was cut off before it had a response. */
  readonly status: number | undefined;
  readonly error: GatewayError | undefined;
  /** Whether the client left before there was a response. */
  readonly hasLeft: boolean;
  /** Whether the client left, or did not send its body to the end. */
  readonly isOfClient: boolean;
  readonly bytesReceived: number | undefined;
  readonly bytesSent: number | undefined;
  /** The exchange with the store, counting on until its end. */
  readonly transfer: Transfer | undefined;
}
