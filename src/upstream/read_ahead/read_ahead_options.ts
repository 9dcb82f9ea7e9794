/**
 * What reading ahead needs of a store: its limits, the memory, and how requests are made and sent.
 */
import type { HeaderFields } from "../../network/header_fields.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { ConcurrencyLimit } from "../concurrency_limit.ts";
import type { ForwardRequest } from "../forward_request.ts";
import type { Pace } from "../pace.ts";
import type { RunningRequest } from "../running_request.ts";
import type { AnswerMemory } from "./answer_memory.ts";

/** How a request is sent. */
export interface Sending {
  /** Called with each response of the store. */
  readonly observe?: (response: Response) => void;
  /** It is not repeated after a failure. */
  readonly isOptional?: boolean;
}

export interface ReadAheadOptions {
  readonly server: string;
  /** Connections to the store that clients and reading ahead use together. */
  readonly concurrency: number;
  readonly memory: AnswerMemory;
  readonly pace: Pace;
  /** Of all requests to the store. */
  readonly limit: ConcurrencyLimit;
  readonly metrics?: Metrics | undefined;
  /** The headers of a client's request for the store. */
  readonly headersFor: (forward: ForwardRequest) => HeaderFields;
  /** Begins a request that ends with a signal. */
  readonly begin: (target: string, signal: AbortSignal) => RunningRequest;
  /** Waits for a place under the concurrency limits, and sends a request. */
  readonly send: (
    forward: ForwardRequest,
    running: RunningRequest,
    sending?: Sending,
  ) => Promise<Response>;
  /** Begins the time limit of a request anew. */
  readonly restart: (running: RunningRequest) => void;
}
