/**
 * Translates URLs in a multipart body as it streams by: in the `Content-Location` of each part, and
 * in parts that are DICOM JSON or XML. Every other byte is unchanged, including preamble,
 * delimiters, epilogue and binary parts. The rest of a malformed body passes unchanged.
 */
import type { Bytes } from "../bytes.ts";
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

export interface MultipartUrlRewriterOptions extends JsonUrlRewriterOptions {
  readonly boundary: string;
}

export class MultipartUrlRewriter implements ByteRewriter {
  readonly #translation: UrlTranslation;
  readonly #options: MultipartUrlRewriterOptions;
  readonly #scanner: MultipartScanner;
  /** Rewrites the content of the current part, if it has URLs. */
  #content: ByteRewriter | undefined;
  #isBroken = false;

  /** @throws {MultipartError} If the boundary is invalid. */
  constructor(translation: UrlTranslation, options: MultipartUrlRewriterOptions) {
    this.#translation = translation;
    this.#options = options;
    this.#scanner = new MultipartScanner(options.boundary);
  }

  push(chunk: Bytes, output: ByteSink): void {
    if (this.#isBroken) return output.write(chunk);
    this.#scanner.push(chunk);
    for (let event = this.#next(); event !== undefined; event = this.#next()) {
      const bytes = this.#scanner.taken();
      if (event.kind === "headers") {
        const { block } = event;
        output.write(bytes.subarray(0, bytes.length - block.length));
        this.#content = contentUrlRewriter(event.headers, this.#translation, this.#options);
        output.write(changePartHeaders(block, {
          translateUrl: (url) => this.#translation.translate(url, this.#options.resource),
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

  finish(output: ByteSink): void {
    this.#giveUp(output);
  }

  /** The next event; undefined if the body is malformed. */
  #next(): MultipartEvent | undefined {
    try {
      return this.#scanner.next();
    } catch (error) {
      if (error instanceof MultipartError) return undefined;
      throw error;
    }
  }

  /** Passes the rest, as content of the current part if there is one. */
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
