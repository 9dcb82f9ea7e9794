/**
 * Sends the batches of uploads to one store: a bounded number at a time for all clients, slower when the store
 * throttles, and again after a failed connection where the profile says that a repetition does no harm. Of
 * a store where it would, the instances are searched first.
 */
import type { Rules } from "../dicomweb/profile/profile.ts";
import type { InstanceUids } from "../dicomweb/stow/dicom_uids.ts";
import { STALE_HEADERS } from "../dicomweb/urls/body_url_rewriter.ts";
import { classify } from "../dicomweb/transaction/transaction.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { reasonOf } from "../errors/reason.ts";
import { Retries } from "../network/retries.ts";
import { retryAfterMs } from "../network/retry_after.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { ConcurrencyLimit } from "./concurrency_limit.ts";
import { HeldBody } from "./held_body.ts";
import type { HoldingRoom } from "./holding_room.ts";
import { listInstances } from "./instance_list.ts";
import type { Pace } from "./pace.ts";
import type { StoreExchange } from "./store_exchange.ts";
import { availabilityOf } from "./store_resilience.ts";

export interface BatchSenderOptions {
  readonly server: string;
  readonly rules: Pick<
    Rules,
    | "storeBatchBytes"
    | "storeConcurrency"
    | "repeatUploads"
    | "searchBeforeRepeat"
    | "searchPageSize"
    | "searchMaxResults"
  >;
  readonly room: HoldingRoom;
  readonly pace: Pace;
  /** Most requests with a body at once. */
  readonly maxConcurrent: number;
  readonly logger: Pick<Logger, "info" | "warn">;
  readonly metrics?: Metrics | undefined;
}

/** What became of a batch. */
export interface SentBatch {
  /** Undefined if the store has all instances. */
  readonly response: Response | undefined;
  /** Instances that an earlier attempt stored, by their order. */
  readonly found: ReadonlySet<number>;
}

/** Of the first batches, one for each connection. */
const LEAST_BYTES = 1024 * 1024;
/** Over half a minute or so in all. */
const RETRY = { maxAttempts: 5, initialDelayMs: 500, multiplier: 3, maxDelayMs: 30_000 };
const WARN_EVERY_MS = 60_000;

export class BatchSender {
  readonly #options: BatchSenderOptions;
  readonly #slots: ConcurrencyLimit;
  readonly #retries: Retries;
  /** Batches since the store throttled. */
  #accepted = 0;
  #warnedMs = -Infinity;

  constructor(options: BatchSenderOptions) {
    this.#options = options;
    const { server, metrics } = options;
    this.#slots = new ConcurrencyLimit({
      server,
      maxConcurrent: this.concurrency,
      // The clients that they are from are limited already.
      maxQueued: Infinity,
      queueMs: 2 ** 31 - 1,
    });
    this.#retries = new Retries({
      rules: RETRY,
      wantedDelayMs: (outcome) => this.#wantedDelayMs(outcome),
      onRetry: () => metrics?.storeRetries.inc({ server }),
    });
    metrics?.beforeRead.add(() => {
      metrics.uploadBatchesInFlight.set({ server }, this.#slots.inFlight);
      metrics.uploadBatchesQueued.set({ server }, this.#slots.queued);
    });
  }

  get concurrency(): number {
    const { rules, maxConcurrent } = this.#options;
    return Math.min(rules.storeConcurrency, maxConcurrent);
  }

  /**
   * From this length on a batch is sent: little at first, so that every connection is used soon; more
   * later, so that round trips and requests cost little.
   *
   * @param bytes Bytes of the upload so far.
   */
  enough(bytes: number): number {
    const { concurrency } = this;
    const { storeBatchBytes } = this.#options.rules;
    if (bytes < concurrency * LEAST_BYTES) return Math.min(LEAST_BYTES, storeBatchBytes);
    return Math.min(Math.max(2 * LEAST_BYTES, bytes / (4 * concurrency)), storeBatchBytes);
  }

  /** Whether an upload is worth being divided. */
  isWorthwhile(length: number | undefined): boolean {
    return length === undefined || length > this.enough(0);
  }

  hold(): HeldBody {
    return new HeldBody(this.#options.room, (error) => this.#onFull(error));
  }

  /**
   * Sends a batch when it is its turn.
   *
   * @param instances Those in the batch.
   * @throws What the last attempt throws; the signal's reason when it aborts.
   */
  async send(
    exchange: StoreExchange,
    body: HeldBody,
    instances: () => readonly InstanceUids[],
    sendOnce: (toSend: ReturnType<HeldBody["toSend"]>) => Promise<Response>,
  ): Promise<SentBatch> {
    const { pace, rules } = this.#options;
    const { signal } = exchange;
    let found: ReadonlySet<number> = new Set();
    let only: ReadonlySet<number> | undefined;
    let isRepeated = false;
    const attempt = async () => {
      await pace.rest(signal);
      if (isRepeated && rules.searchBeforeRepeat) {
        const all = instances();
        found = await this.#search(exchange, all);
        only = new Set(all.keys().filter((index) => !found.has(index)));
        if (only.size === 0) return undefined;
      }
      isRepeated = true;
      return await sendOnce(body.toSend(only));
    };
    const response = await this.#retries.run(() => this.#inTurn(attempt, signal), {
      signal,
      isRepeatable: body.isHeld,
      discard: (outcome, delayMs) => this.#discard(outcome, delayMs, exchange),
    });
    return { response, found };
  }

  async #inTurn<T extends Response | undefined>(
    attempt: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    await this.#slots.enter(signal);
    try {
      const response = await attempt();
      if (!isThrottled(response)) this.#widen();
      return response;
    } finally {
      this.#slots.leave();
    }
  }

  /** Sends more at once after as many batches as show that the store copes with these. */
  #widen(): void {
    const { maxConcurrent } = this.#slots;
    if (maxConcurrent === this.concurrency) return;
    if (++this.#accepted < 2 * this.concurrency) return;
    this.#accepted = 0;
    this.#slots.resize(maxConcurrent + 1);
  }

  /** Sends fewer at once: a store that takes fewer would reject the rest again and again. */
  #narrow(): void {
    this.#accepted = 0;
    this.#slots.resize(Math.ceil(this.#slots.maxConcurrent / 2));
  }

  #wantedDelayMs(outcome: unknown): number | undefined {
    if (outcome instanceof Response) {
      const { status, headers } = outcome;
      // A store that throttles has stored nothing (RFC 6585); a proxy's 503 may come after it has.
      const isRepeatable = status === 429 || status === 503 && this.#options.rules.repeatUploads;
      return isRepeatable ? retryAfterMs(headers, Date.now()) ?? 0 : undefined;
    }
    // Nothing was sent while the circuit was open.
    if (outcome instanceof GatewayError && outcome.code === "NET-010") {
      return (outcome.retryAfterSeconds ?? 0) * 1000;
    }
    const { repeatUploads } = this.#options.rules;
    return repeatUploads && availabilityOf(outcome) === "unavailable" ? 0 : undefined;
  }

  async #discard(outcome: unknown, delayMs: number, { headers }: StoreExchange): Promise<void> {
    const { server, pace, logger } = this.#options;
    const isResponse = outcome instanceof Response;
    logger.info("Batch of an upload failed; sending it again", {
      server,
      failure: isResponse ? outcome.status : reasonOf(outcome),
      delayMs: Math.round(delayMs),
      request_id: headers.get("x-request-id"),
    });
    if (!isResponse) return;
    // All of one moment are throttled for one reason.
    if (!pace.isResting) this.#narrow();
    // Others would be throttled, too.
    pace.hold(delayMs);
    await outcome.body?.cancel();
  }

  /** Which instances the store has, by their order; those without UIDs are not known. */
  async #search(
    exchange: StoreExchange,
    instances: readonly InstanceUids[],
  ): Promise<ReadonlySet<number>> {
    const { rules, pace } = this.#options;
    const headers = new Headers(exchange.headers);
    for (const name of [...STALE_HEADERS, "content-type"]) headers.delete(name);
    const [prefix = ""] = exchange.target.split("/studies");
    const listed = new Map<string, Set<string>>();
    const found = new Set<number>();
    for (const [index, uids] of instances.entries()) {
      const { studyInstanceUid: study, seriesInstanceUid: series, sopInstanceUid } = uids;
      if (study === undefined || series === undefined || sopInstanceUid === undefined) continue;
      const target = `${prefix}/studies/${study}/series/${series}/instances`;
      let known = listed.get(target);
      if (known === undefined) {
        const list = await listInstances(
          { ...exchange, headers, body: null, kept: undefined },
          classify("GET", target),
          "",
          { pageSize: rules.searchPageSize, maxResults: rules.searchMaxResults, pace },
        );
        if (list instanceof Response) {
          await list.body?.cancel();
          if (list.status !== 404) {
            throw new GatewayError(
              "NET-009",
              `Cannot determine what was stored: store answered ${list.status} to the search for it`,
            );
          }
        }
        known = new Set(list instanceof Response ? [] : list.map(({ instance }) => instance));
        listed.set(target, known);
      }
      if (known.has(sopInstanceUid)) found.add(index);
    }
    return found;
  }

  #onFull(error: unknown): void {
    const { server, logger, metrics } = this.#options;
    metrics?.uploadBatchesStreamed.inc({ server });
    if (error === undefined || performance.now() < this.#warnedMs + WARN_EVERY_MS) return;
    this.#warnedMs = performance.now();
    logger.warn("Cannot hold a batch on the disk; sending it as it arrives", {
      server,
      reason: reasonOf(error),
    });
  }
}

function isThrottled(response: Response | undefined): boolean {
  return response?.status === 429 || response?.status === 503;
}
