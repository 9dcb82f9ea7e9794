/**
 * Translates URLs in a multipart body as it streams by: in the `Content-Location` of each part,
 * and in parts that are DICOM JSON or XML. Every other byte comes out as it went in, preamble,
 * delimiters and epilogue too; in particular those of binary parts, whatever they look like. A
 * body that is broken is passed on from there as it is: what to make of it is the reader's affair.
 *
 * @module
 */
import type { ByteRewriter, ByteSink } from "./byte_rewriter.ts";
import { contentUrlRewriter } from "./content_url_rewriter.ts";
import type { JsonUrlRewriterOptions } from "./json_url_rewriter.ts";
import {
  MultipartError,
  type MultipartEvent,
  MultipartScanner,
} from "../multipart/multipart_scanner.ts";
import { changePartHeaders } from "../multipart/part_headers.ts";
import type { UrlTranslation } from "./url_translation.ts";

/** What a rewriter is told about a body. */
export interface MultipartUrlRewriterOptions extends JsonUrlRewriterOptions {
  /** The body's boundary. */
  readonly boundary: string;
}

/** Translates the URLs of one multipart body. */
export class MultipartUrlRewriter implements ByteRewriter {
  readonly #translation: UrlTranslation;
  readonly #options: MultipartUrlRewriterOptions;
  readonly #scanner: MultipartScanner;
  /** What rewrites the content of the part at hand, where it has URLs. */
  #content: ByteRewriter | undefined;
  #isBroken = false;

  /**
   * Makes a rewriter for one body.
   *
   * @param translation What translates the URLs.
   * @param options The boundary, the resource, and the places of URLs in JSON.
   * @throws {MultipartError} When there can be no such boundary.
   */
  constructor(translation: UrlTranslation, options: MultipartUrlRewriterOptions) {
    this.#translation = translation;
    this.#options = options;
    this.#scanner = new MultipartScanner(options.boundary);
  }

  /** @inheritdoc */
  push(chunk: Uint8Array<ArrayBuffer>, output: ByteSink): void {
    if (this.#isBroken) return output.write(chunk);
    this.#scanner.push(chunk);
    for (let event = this.#next(); event !== undefined; event = this.#next()) {
      const bytes = this.#scanner.taken();
      if (event.kind === "headers") {
        const { block } = event;
        output.write(bytes.subarray(0, bytes.length - block.length));
        this.#content = contentUrlRewriter(event.headers, this.#translation, this.#options);
        output.write(changePartHeaders(block, {
          translate: (url) => this.#translation.translate(url, this.#options.resource),
          dropLength: this.#content !== undefined,
        }));
      } else if (event.kind === "data" && this.#content !== undefined) {
        this.#content.push(bytes, output);
      } else {
        if (event.kind === "part end") this.#endContent(output);
        output.write(bytes);
      }
      if (event.kind === "need") return;
    }
    this.#isBroken = true;
    this.#giveUp(output);
  }

  /** @inheritdoc */
  finish(output: ByteSink): void {
    this.#giveUp(output);
  }

  /** The next event, or nothing where the body is broken. */
  #next(): MultipartEvent | undefined {
    try {
      return this.#scanner.next();
    } catch (error) {
      if (error instanceof MultipartError) return undefined;
      throw error;
    }
  }

  /** Passes on what is left, as content of the part at hand where there is one. */
  #giveUp(output: ByteSink): void {
    const rest = this.#scanner.taken(true);
    if (this.#content === undefined) return output.write(rest);
    this.#content.push(rest, output);
    this.#endContent(output);
  }

  #endContent(output: ByteSink): void {
    this.#content?.finish(output);
    this.#content = undefined;
  }
}
