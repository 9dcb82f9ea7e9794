/**
 * The body of a store request: it fails if it is incomplete, and records which instances it contains.
 */
import { contentLength } from "../dicomweb/completeness/body_check.ts";
import type { InstanceUids } from "../dicomweb/stow/dicom_uids.ts";
import { StowInventory } from "../dicomweb/stow/stow_inventory.ts";
import { wholeRequestBody } from "../dicomweb/completeness/whole_body.ts";

/** What a store's report is compared with. */
export interface SentInstances {
  /** In the order of the body; undefined if unknown. */
  readonly instances: readonly InstanceUids[] | undefined;
  /** Whether every instance was sent completely. */
  readonly isWhole: boolean;
}

export class StowUpload implements SentInstances {
  /** The body to send. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #length: number | undefined;
  readonly #inventory: StowInventory;
  #hasEnded = false;

  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>, headers: Headers) {
    this.#inventory = new StowInventory(headers);
    this.#length = contentLength(headers);
    this.body = wholeRequestBody(body, headers, {
      content: this.#inventory,
      onEnd: () => {
        this.#hasEnded = true;
      },
    });
  }

  get instances(): readonly InstanceUids[] | undefined {
    return this.#inventory.instances;
  }

  /**
   * A store may respond after the closing delimiter without waiting for the end of the message, and the
   * runtime does not read beyond the stated length.
   */
  get isWhole(): boolean {
    const { isClosed, received } = this.#inventory;
    return this.#hasEnded || isClosed || received === this.#length;
  }
}
