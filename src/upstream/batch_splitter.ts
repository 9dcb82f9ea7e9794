/**
 * Distributes the instances of one store request over several within the store's limits, or over batches,
 * a bounded number of them at a time. It gives up when the store rejects or fails several in a row.
 */
import { InstanceHead, type InstanceUids } from "../dicomweb/stow/dicom_uids.ts";
import { encodeLatin1 } from "../dicomweb/latin1.ts";
import { accountFor } from "../dicomweb/stow/stow_account.ts";
import type { GatewayError } from "../errors/gateway_error.ts";
import type { Room } from "./replayable_body.ts";
import type { StoreExchange } from "./store_exchange.ts";
import { type PartResult, StorePart, type StorePartOptions } from "./store_part.ts";

/** Limits of one request to the store. */
export interface SplittingRules {
  /** 0: any number. */
  readonly maxBytes: number;
  /** 0: any number. */
  readonly maxInstances: number;
}

export interface BatchSplitterOptions extends SplittingRules, StorePartOptions {
  /** How many requests are sent at once. */
  readonly concurrency: number;
  /** The boundary between instances, the same in all requests: no instance contains it. */
  readonly boundary: string;
}

export interface InstanceStart {
  /** The header block as received, with the empty line. */
  readonly block: Uint8Array<ArrayBuffer>;
  /** Bytes of the content, if the client states them. */
  readonly length: number | undefined;
}

/** After this many failures of the store in a row, the splitter gives up. */
const MAX_FAILURES_IN_A_ROW = 3;

/** Statuses about the store or the credential, not about the instances. */
const OF_THE_STORE: readonly number[] = [401, 403, 404, 405, 429];

/**
 * An instance of unknown length begins a new request once the current one is filled to this share: then
 * it exceeds the limit only if it is almost as long as a request may be.
 */
const SHARE_BEFORE_UNKNOWN = 1 / 8;

export class BatchSplitter {
  readonly #exchange: StoreExchange;
  readonly #options: BatchSplitterOptions;
  readonly #parts: StorePart[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #delimiter: Uint8Array<ArrayBuffer>;
  readonly #closing: Uint8Array<ArrayBuffer>;
  #current: StorePart | undefined;
  #bytes = 0;
  /** Instances received after it gave up. */
  readonly #untried: InstanceUids[] = [];
  #untriedHead: InstanceHead | undefined;
  #hasGivenUp = false;
  #isInVain = false;

  constructor(exchange: StoreExchange, options: BatchSplitterOptions) {
    this.#exchange = exchange;
    this.#options = options;
    this.#delimiter = encodeLatin1(`\r\n--${options.boundary}\r\n`);
    this.#closing = encodeLatin1(`\r\n--${options.boundary}--\r\n`);
  }

  /** Whether it gave up before anything was stored: the rest of the request need not be read. */
  get isInVain(): boolean {
    return this.#isInVain;
  }

  /** Begins an instance; the one before is complete. */
  async begin(instance: InstanceStart): Promise<void> {
    if (this.#current !== undefined && !this.#hasRoom(this.#current, instance)) {
      this.#current.end(this.#closing);
      this.#current = undefined;
    }
    if (this.#current === undefined) await this.#open();
    if (this.#hasGivenUp) {
      this.#untriedHead = new InstanceHead();
      return;
    }
    await this.#current?.begin(this.#framing(instance));
  }

  /** Appends content to the instance. */
  write(bytes: Uint8Array<ArrayBuffer>): Room {
    this.#bytes += bytes.length;
    this.#untriedHead?.push(bytes);
    return this.#current?.write(bytes);
  }

  endInstance(): void {
    this.#current?.endInstance();
    if (this.#untriedHead !== undefined) this.#untried.push(this.#untriedHead.uids);
    this.#untriedHead = undefined;
  }

  /** Ends the request, all instances being complete. One without any is sent as such. */
  async end(): Promise<readonly PartResult[]> {
    if (this.#parts.length === 0) await this.#open();
    this.#current?.end(this.#closing);
    return await this.#results();
  }

  /** Breaks off the current request if its last instance is incomplete. Complete requests continue. */
  async breakOff(reason: GatewayError): Promise<readonly PartResult[]> {
    if (this.#current?.isInInstance) this.#current.breakOff(reason, this.#closing);
    else this.#current?.end(this.#closing);
    return await this.#results();
  }

  async #results(): Promise<readonly PartResult[]> {
    await Promise.all(this.#running);
    this.endInstance();
    const results = this.#parts.map((part) => part.result!);
    const last = results.findLast(isOfTheStore);
    if (this.#untried.length === 0 || last === undefined) return results;
    const report = accountFor({
      sent: this.#untried,
      status: last.status,
      comment: "Not tried: requests before it failed",
    });
    return [...results, { ...last, report }];
  }

  #hasRoom(part: StorePart, instance: InstanceStart): boolean {
    const { maxBytes, maxInstances, batches } = this.#options;
    if (batches !== undefined && part.bytes >= batches.enough(this.#bytes)) return false;
    if (part.isOver || maxInstances > 0 && part.instances >= maxInstances) return false;
    if (maxBytes === 0) return true;
    if (instance.length === undefined) return part.bytes <= maxBytes * SHARE_BEFORE_UNKNOWN;
    const framing = this.#delimiter.length + instance.block.length + this.#closing.length;
    return part.bytes + framing + instance.length <= maxBytes;
  }

  #framing({ block }: InstanceStart): Uint8Array<ArrayBuffer> {
    // The first delimiter of a body has no line end before it.
    const delimiter = this.#current?.bytes === 0 ? this.#delimiter.subarray(2) : this.#delimiter;
    const framing = new Uint8Array(delimiter.length + block.length);
    framing.set(delimiter);
    framing.set(block, delimiter.length);
    return framing;
  }

  /** Begins a request as soon as the concurrency allows, unless the splitter has given up. */
  async #open(): Promise<void> {
    const { batches } = this.#options;
    // One batch more is collected while the others are sent.
    const most = batches === undefined ? this.#options.concurrency : batches.concurrency + 1;
    while (this.#running.size >= most) await Promise.race(this.#running);
    this.#hasGivenUp ||= this.#failsInARow();
    if (this.#hasGivenUp) {
      await Promise.all(this.#running);
      this.#isInVain = !this.#parts.some((part) => part.result!.report.stored.length > 0);
      return;
    }
    const part = new StorePart(this.#exchange, this.#options);
    this.#parts.push(part);
    this.#running.add(part.over);
    part.over.then(() => this.#running.delete(part.over));
    this.#current = part;
  }

  #failsInARow(): boolean {
    let failures = 0;
    for (let at = this.#parts.length - 1; at >= 0 && failures < MAX_FAILURES_IN_A_ROW; at--) {
      const result = this.#parts[at]?.result;
      if (result === undefined) continue;
      if (!isOfTheStore(result)) return false;
      failures++;
    }
    return failures === MAX_FAILURES_IN_A_ROW;
  }
}

/** Whether a request failed because of the store or the way to it. */
function isOfTheStore({ status, isReported }: PartResult): boolean {
  return !isReported && (OF_THE_STORE.includes(status) || status >= 500);
}
