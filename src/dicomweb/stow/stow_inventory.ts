/**
 * Lists the instances in the body of an upload as it streams by, for comparison with the store's
 * report. It skips pixel data if the parts state their length, and stores none of it. What cannot
 * be listed (metadata with bulk data, encoded or malformed bodies) is unknown, never guessed.
 */
import type { Bytes } from "../bytes.ts";
import { type ContentEnd, contentEnd } from "../completeness/content_end.ts";
import { InstanceHead, type InstanceUids } from "./dicom_uids.ts";
import { isEncoded, parseMediaType } from "../media_type/media_type.ts";
import { MultipartEnd } from "../completeness/multipart_end.ts";
import { MultipartError, MultipartScanner } from "../multipart/multipart_scanner.ts";
import { partLength } from "../multipart/part_headers.ts";

/** Beyond this number instances are counted without their UIDs. */
const MAX_NAMED = 50_000;

/** How much of the end is searched for a closing delimiter that the scanner does not recognize. */
const TAIL_BYTES = 4096;

const UNNAMED: InstanceUids = Object.freeze({});

export class StowInventory implements ContentEnd {
  readonly #boundary: string | undefined;
  /** The end of a body that is not multipart. */
  readonly #end: ContentEnd | undefined;
  #scanner: MultipartScanner | undefined;
  #head: InstanceHead | undefined;
  #instances: InstanceUids[] | undefined;
  /** Bytes left of the current part by its own length. */
  #announced: number | undefined;
  #tail: Bytes[] = [];
  #tailBytes = 0;
  #received = 0;
  #isClosed = false;

  constructor(headers: Headers) {
    const type = parseMediaType(headers.get("content-type") ?? "");
    if (type === undefined || isEncoded(headers)) return;
    if (type.essence === "application/dicom") {
      this.#head = new InstanceHead();
      this.#instances = [];
    }
    const boundary = type.parameters.get("boundary");
    this.#end = contentEnd(headers);
    // If the end of a multipart body can be recognized, so can its parts.
    if (boundary === undefined || !(this.#end instanceof MultipartEnd)) return;
    this.#boundary = boundary;
    this.#scanner = new MultipartScanner(boundary);
    this.#instances = [];
  }

  get name(): string {
    return this.#end?.name ?? "its end";
  }

  /** The instances in order; undefined if they are unknown. */
  get instances(): readonly InstanceUids[] | undefined {
    if (this.#received === 0) return [];
    if (this.#boundary !== undefined) return this.#isClosed ? this.#instances : undefined;
    return this.#head === undefined ? this.#instances : [this.#head.uids];
  }

  /** Bytes received so far. */
  get received(): number {
    return this.#received;
  }

  /** Whether the closing delimiter was received: no instance can follow. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isReached(): boolean {
    if (this.#isClosed || this.#received === 0) return true;
    if (this.#boundary === undefined) return this.#end?.isReached ?? true;
    // Some clients end lines by LF alone, which some stores accept.
    const end = new MultipartEnd(this.#boundary);
    for (const piece of this.#tail) end.push(piece);
    return end.isReached;
  }

  push(chunk: Bytes): void {
    this.#received += chunk.length;
    if (this.#boundary === undefined) {
      this.#head?.push(chunk);
      this.#end?.push(chunk);
      return;
    }
    if (this.#isClosed) return;
    this.#keepTail(chunk);
    if (this.#scanner === undefined) return;
    this.#scanner.push(chunk);
    try {
      this.#scan(this.#scanner);
    } catch (error) {
      if (!(error instanceof MultipartError)) throw error;
      this.#giveUp();
    }
  }

  #scan(scanner: MultipartScanner): void {
    for (;;) {
      const event = scanner.next();
      switch (event.kind) {
        case "need":
          if (!scanner.isClosed) return;
          this.#isClosed = true;
          this.#scanner = undefined;
          return;
        case "headers":
          if (!isInstance(event.headers)) return this.#giveUp();
          this.#head = new InstanceHead();
          this.#announced = partLength(event.headers);
          // A part that states its length is not searched for the delimiter.
          if (this.#announced !== undefined) scanner.skip(this.#announced);
          break;
        case "data":
          this.#head?.push(event.bytes);
          if (this.#announced !== undefined && (this.#announced -= event.bytes.length) < 0) {
            // The part's length is wrong: delimiters may have been skipped.
            return this.#giveUp();
          }
          break;
        case "part end": {
          const isNamed = (this.#instances?.length ?? 0) < MAX_NAMED;
          this.#instances?.push(isNamed ? this.#head?.uids ?? UNNAMED : UNNAMED);
          break;
        }
        case "end":
          return;
      }
    }
  }

  #giveUp(): void {
    this.#scanner = undefined;
    this.#instances = undefined;
  }

  #keepTail(chunk: Bytes): void {
    this.#tail.push(chunk.subarray(-TAIL_BYTES));
    this.#tailBytes += Math.min(chunk.length, TAIL_BYTES);
    while (this.#tailBytes - this.#tail[0]!.length >= TAIL_BYTES) {
      this.#tailBytes -= this.#tail.shift()!.length;
    }
  }
}

/** Parts of other types are metadata or bulk data: their number is not that of the instances. */
function isInstance(headers: Headers): boolean {
  const type = parseMediaType(headers.get("content-type") ?? "application/dicom")?.essence;
  return type === "application/dicom" || type === "application/octet-stream";
}
