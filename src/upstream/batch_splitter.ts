/**
 * Deals the instances of one request to store out to several, each within what the store takes at
 * once, a bounded number of them under way. It gives up when the store refuses or fails one after the
 * other, whatever is in them.
 *
 * @module
 */
import { InstanceHead, type InstanceUids } from "../dicomweb/stow/dicom_uids.ts";
import { encodeLatin1 } from "../dicomweb/latin1.ts";
import { accountFor } from "../dicomweb/stow/stow_account.ts";
import type { GatewayError } from "../errors/gateway_error.ts";
import type { StoreExchange } from "./store_exchange.ts";
import { type PartResult, StorePart, type StorePartOptions } from "./store_part.ts";

/** How a request is dealt out. */
export interface BatchSplitterOptions extends StorePartOptions {
  /** How many bytes one request may have; 0: any number. */
  readonly maxBytes: number;
  /** How many instances one request may have; 0: any number. */
  readonly maxInstances: number;
  /** How many requests are under way at once. */
  readonly concurrency: number;
  /** The boundary between instances, the same in all requests: no instance contains it. */
  readonly boundary: string;
}

/** What a part's own headers say of it, as far as it matters here. */
export interface InstanceStart {
  /** Its header block as it stood, with the empty line. */
  readonly block: Uint8Array<ArrayBuffer>;
  /** How long its content is, where the client says so. */
  readonly length: number | undefined;
}

/** After so many refusals or failures of the store in a row, further requests would be in vain. */
const MAX_FAILURES_IN_A_ROW = 3;

/** Statuses that say something of the store or the credential, not of what is stored. */
const OF_THE_STORE: readonly number[] = [401, 403, 404, 405, 429];

/**
 * An instance whose length is not known begins a request of its own once the one before is filled to
 * this share: then it harms no other instance unless it is almost as long as a request may be.
 */
const SHARE_BEFORE_UNKNOWN = 1 / 8;

/** Deals out one request. */
export class BatchSplitter {
  readonly #exchange: StoreExchange;
  readonly #options: BatchSplitterOptions;
  readonly #parts: StorePart[] = [];
  readonly #running = new Set<StorePart>();
  readonly #delimiter: Uint8Array<ArrayBuffer>;
  readonly #closing: Uint8Array<ArrayBuffer>;
  #current: StorePart | undefined;
  /** Instances that came after it gave up. */
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

  /** Whether it gave up before anything was stored: what still comes need not be read. */
  get isInVain(): boolean {
    return this.#isInVain;
  }

  /** Begins an instance; the one before is whole. */
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

  /**
   * Takes content of the instance.
   *
   * @returns When there is room for more; nothing where there is.
   */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> | undefined {
    this.#untriedHead?.push(bytes);
    return this.#current?.write(bytes);
  }

  /** Ends the instance: it is whole. */
  endInstance(): void {
    this.#current?.endInstance();
    if (this.#untriedHead !== undefined) this.#untried.push(this.#untriedHead.uids);
    this.#untriedHead = undefined;
  }

  /** Ends it, all instances being whole. A request without any is sent as such. */
  async end(): Promise<readonly PartResult[]> {
    if (this.#parts.length === 0) await this.#open();
    this.#current?.end(this.#closing);
    return await this.#results();
  }

  /** Breaks off the request if it holds half an instance. What is whole goes on to its end. */
  async breakOff(reason: GatewayError): Promise<readonly PartResult[]> {
    if (this.#current?.isInInstance) this.#current.breakOff(reason);
    else this.#current?.end(this.#closing);
    return await this.#results();
  }

  async #results(): Promise<readonly PartResult[]> {
    await Promise.all([...this.#running].map((part) => part.over));
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
    const { maxBytes, maxInstances } = this.#options;
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

  /** Begins a request as soon as fewer than the bound are under way, unless that is in vain. */
  async #open(): Promise<void> {
    while (this.#running.size >= this.#options.concurrency) {
      await Promise.race([...this.#running].map((part) => part.over));
    }
    this.#hasGivenUp ||= this.#failsInARow();
    if (this.#hasGivenUp) {
      await Promise.all([...this.#running].map((part) => part.over));
      this.#isInVain = !this.#parts.some((part) => part.result!.report.stored.length > 0);
      return;
    }
    const part = new StorePart(this.#exchange, this.#options);
    this.#parts.push(part);
    this.#running.add(part);
    part.over.then(() => this.#running.delete(part));
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

/** Whether a request failed for a reason that lies with the store or on the way to it. */
function isOfTheStore({ status, isReported }: PartResult): boolean {
  return !isReported && (OF_THE_STORE.includes(status) || status >= 500);
}
