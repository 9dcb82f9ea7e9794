/**
 * One request to a store whose answer is for more than one client, or for later. It ends when nobody is
 * left who wants it.
 */
import { BodyCheck, contentLength, isFramed } from "../../dicomweb/completeness/body_check.ts";
import { wholeAnswerBody } from "../../dicomweb/completeness/whole_body.ts";
import type { Bytes } from "../../dicomweb/bytes.ts";
import { headerList } from "../../network/header_fields.ts";
import type { RunningRequest } from "../running_request.ts";
import { TranslatedResponse } from "../store_exchange.ts";
import type { AnswerMemory, HeldAnswer, ResourcePath } from "./answer_memory.ts";
import { freshMs, isPrivate } from "./freshness.ts";
import { SharedBody } from "./shared_body.ts";

/** A complete answer that may be kept. */
export interface Loaded {
  readonly headers: [name: string, value: string][];
  readonly bytes: Bytes;
  readonly freshMs: number;
  readonly isPrivate: boolean;
}

export interface LoadOptions {
  readonly running: RunningRequest;
  /** Ends the request. */
  readonly controller: AbortController;
  readonly memory: AnswerMemory;
  readonly resource: ResourcePath;
  /** Nobody waits for it. */
  readonly isAhead: boolean;
  /** Longer answers are not kept. */
  readonly maxBytes: number;
  /** Called with a complete answer, whose bytes are taken: keeps it or gives them back. */
  readonly keep: (loaded: Loaded) => HeldAnswer | undefined;
}

/** How a request ended that was not kept. */
export type Outcome = "kept" | "not to be kept" | "no room" | "failed";

export class Load {
  readonly isAhead: boolean;
  readonly resource: ResourcePath;
  /** How many clients wait for it or follow it. */
  clients = 0;
  /** The final response's status, once there is one. */
  status: number | undefined;
  outcome: Outcome = "failed";
  /** The answer, if it was kept. Never rejects. */
  readonly held: Promise<HeldAnswer | undefined>;
  /** Resolves when the request has ended. */
  readonly over: Promise<void>;
  readonly #options: LoadOptions;
  readonly #resolveOver: () => void;
  readonly #resolveHeld: (held: HeldAnswer | undefined) => void;
  #shared: SharedBody | undefined;
  #freshMs = Infinity;
  #isPrivate = false;
  #isForgotten = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.isAhead = options.isAhead;
    this.resource = options.resource;
    const { promise, resolve } = Promise.withResolvers<HeldAnswer | undefined>();
    this.held = promise;
    const over = Promise.withResolvers<void>();
    this.over = over.promise;
    this.#resolveOver = over.resolve;
    this.#resolveHeld = resolve;
  }

  /** Notes what the store says in a response, one of several perhaps. */
  readonly #observe = ({ headers, status }: Response): void => {
    if (status >= 400) return;
    this.#freshMs = Math.min(this.#freshMs, freshMs(headers, Date.now()));
    this.#isPrivate ||= isPrivate(headers);
    // One that ends with its connection may have been cut off.
    if (!isFramed(headers) && !new BodyCheck(headers).canTell) this.#freshMs = 0;
  };

  /**
   * Sends the request.
   *
   * @param client Aborts when the client that began this has gone; undefined without one.
   * @returns The response, with a body for the client.
   * @throws What sending throws.
   */
  async begin(
    send: (running: RunningRequest, observe: (response: Response) => void) => Promise<Response>,
    client?: AbortSignal,
  ): Promise<Response> {
    const { running, memory, maxBytes, isAhead } = this.#options;
    let response: Response;
    try {
      response = await send(running, this.#observe);
    } catch (error) {
      this.#ended();
      this.#resolveHeld(undefined);
      throw error;
    }
    const { status, headers, body } = response;
    this.status = status;
    if (body === null) {
      this.#ended();
      this.#resolveHeld(undefined);
      return response;
    }
    const mayKeep = status === 200 && this.#freshMs > 0 && !this.#isForgotten;
    this.outcome = status === 200 && this.#freshMs === 0 ? "not to be kept" : "failed";
    const length = contentLength(headers);
    const shared = this.#shared = new SharedBody(
      mayKeep ? wholeAnswerBody(body, headers) : body,
      {
        take: (bytes) => {
          const isTaken = memory.take(bytes, isAhead && this.clients === 0);
          if (!isTaken) this.outcome = "no room";
          return isTaken;
        },
        give: (bytes) => memory.give(bytes),
        length,
        maxBytes: mayKeep ? maxBytes : 0,
      },
    );
    if (mayKeep && (length ?? 0) > maxBytes) this.outcome = "not to be kept";
    void shared.over.then(() => this.#ended());
    void shared.whole.then((bytes) => this.#finish(bytes, headers));
    if (client === undefined || client.aborted) {
      if (!shared.isKept) shared.abort(new DOMException("Not kept", "AbortError"));
      return response;
    }
    const Kind = response instanceof TranslatedResponse ? TranslatedResponse : Response;
    const stream = shared.follow(client, () => this.leave());
    return new Kind(stream, { status, headers: headerList(headers) });
  }

  #ended(): void {
    this.#options.running.end();
    this.#resolveOver();
  }

  #finish(bytes: Bytes | undefined, headers: Headers): void {
    const { memory, keep } = this.#options;
    if (bytes === undefined) return this.#resolveHeld(undefined);
    if (this.#isForgotten) {
      memory.give(bytes.length);
      return this.#resolveHeld(undefined);
    }
    this.outcome = "kept";
    this.#resolveHeld(keep({
      headers: headerList(headers),
      bytes,
      freshMs: this.#freshMs,
      isPrivate: this.#isPrivate,
    }));
  }

  /** A client leaves, or has its answer. */
  leave(): void {
    this.clients--;
    if (this.clients > 0 || this.isAhead) return;
    this.end(new DOMException("The client has left", "AbortError"));
  }

  /** Ends it, unless it is over. */
  end(reason: unknown): void {
    this.#options.running.leave();
    if (this.#shared === undefined) this.#options.controller.abort(reason);
    else this.#shared.abort(reason);
  }

  /** What it brings may be outdated: it is for nobody but the client that follows it. */
  forget(): void {
    this.#isForgotten = true;
    if (this.#shared !== undefined) this.#shared.unkeep();
    else if (this.isAhead) this.end(new DOMException("Outdated", "AbortError"));
    this.#resolveHeld(undefined);
  }
}
