/**
 * The body of a request to store on its way: it fails unless it is whole, and afterwards tells which
 * instances were in it.
 *
 * @module
 */
import { contentLength } from "../dicomweb/completeness/body_check.ts";
import type { InstanceUids } from "../dicomweb/stow/dicom_uids.ts";
import { StowInventory } from "../dicomweb/stow/stow_inventory.ts";
import { wholeRequestBody } from "../dicomweb/completeness/whole_body.ts";

/** What a report of a store is compared with. */
export interface SentInstances {
  /** The instances, in their order; undefined where that cannot be known. */
  readonly instances: readonly InstanceUids[] | undefined;
  /** Whether everything that can be stored was sent. */
  readonly isWhole: boolean;
}

/** One upload. */
export class StowUpload implements SentInstances {
  /** The body to send. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Its length in bytes, where the client states it. */
  readonly length: number | undefined;
  readonly #inventory: StowInventory;
  #hasEnded = false;

  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>, headers: Headers) {
    this.#inventory = new StowInventory(headers);
    this.length = contentLength(headers);
    this.body = wholeRequestBody(body, headers, {
      content: this.#inventory,
      onEnd: () => {
        this.#hasEnded = true;
      },
    });
  }

  /** The instances that were sent. */
  get instances(): readonly InstanceUids[] | undefined {
    return this.#inventory.instances;
  }

  /**
   * Whether everything was sent. A store may answer after the closing delimiter without waiting for the
   * end of the message, and the runtime does not read beyond the stated length.
   */
  get isWhole(): boolean {
    const { isClosed, received } = this.#inventory;
    return this.#hasEnded || isClosed || received === this.length;
  }
}
