/**
 * One of the requests into which a store request was split, its response compared with it. It is written
 * while it is sent, or held until it is complete (`HeldBody`). It is sent again with another credential if it
 * was kept; a held one also after a failed connection, if the store knows repetitions. An incomplete instance
 * is never sent as a complete one.
 */
import type { KeptBody } from "../credentials/authorizer.ts";
import { InstanceHead, type InstanceUids } from "../dicomweb/stow/dicom_uids.ts";
import { accountFor, type StowOutcome } from "../dicomweb/stow/stow_account.ts";
import { acceptDuplicates } from "../dicomweb/stow/stow_merge.ts";
import { storedItem } from "../dicomweb/stow/stow_item.ts";
import { EMPTY_REPORT, type StowAnswer, type StowReport } from "../dicomweb/stow/stow_response.ts";
import { STALE_HEADERS } from "../dicomweb/urls/body_url_rewriter.ts";
import type { ErrorCode } from "../errors/catalogue.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { BatchSender } from "./batch_sender.ts";
import { HeldBody } from "./held_body.ts";
import { maxAnswerBytes, readStowReport } from "./read_stow_report.ts";
import { ReplayableBody, type Room } from "./replayable_body.ts";
import { disbelief } from "./store_answer.ts";
import type { StoreRequest } from "./store_client.ts";
import type { StoreExchange } from "./store_exchange.ts";

/** Up to this length, a request is kept until the store responds, so that it can be sent again. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024;

export interface PartResult {
  readonly status: number;
  /** Every instance, stored or failed. */
  readonly report: StowReport;
  /** Whether the report is the store's own. */
  readonly isReported: boolean;
  /** The store's response, if it was no report. */
  readonly response?: Response;
  /** Why there is no response. */
  readonly error?: unknown;
}

/** What ended a request. */
type Ending =
  & Omit<PartResult, "report" | "isReported">
  & Pick<StowOutcome, "answer" | "comment">
  & {
    /** Instances that the store had before the last attempt, by their order. */
    readonly found?: ReadonlySet<number>;
  };

export interface StorePartOptions {
  /** Base URL of the store. */
  readonly storeUrl: string;
  /** Failure reasons that mean “already stored” and are treated as success. */
  readonly duplicateReasons: readonly number[];
  /** Holds requests until they are complete, and sends them; otherwise they are sent as they are written. */
  readonly batches?: BatchSender | undefined;
}

export class StorePart {
  /** Settles when the store responded or the request failed; never rejects. */
  readonly over: Promise<void>;
  readonly #exchange: StoreExchange;
  readonly #options: StorePartOptions;
  readonly #body: ReplayableBody | HeldBody;
  readonly #abort = new AbortController();
  #sent: InstanceUids[] = [];
  /** Of the incomplete instance that was left out. */
  readonly #cut: InstanceUids[] = [];
  #head: InstanceHead | undefined;
  #ending: Ending | undefined;
  #result: PartResult | undefined;

  /** Begins to send. */
  constructor(exchange: StoreExchange, options: StorePartOptions) {
    this.#exchange = exchange;
    this.#options = options;
    this.#body = options.batches?.hold() ?? new ReplayableBody(MAX_KEPT_BYTES);
    this.over = this.#send();
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#body.bytes;
  }

  /** Instances begun so far. */
  get instances(): number {
    return this.#sent.length + (this.#head === undefined ? 0 : 1);
  }

  /** Whether it accepts nothing more: the store responded, or the request failed. */
  get isOver(): boolean {
    return this.#ending !== undefined;
  }

  /** Whether its last instance is incomplete. */
  get isInInstance(): boolean {
    return this.#head !== undefined;
  }

  /** Begins an instance; the one before is complete. */
  begin(framing: Uint8Array<ArrayBuffer>): Room {
    this.#head = new InstanceHead();
    return this.#body.write(framing);
  }

  /** Appends content to the instance. */
  write(bytes: Uint8Array<ArrayBuffer>): Room {
    this.#head?.push(bytes);
    return this.#body.write(bytes);
  }

  /** Ends an instance, of which only the UIDs are kept. */
  endInstance(): void {
    if (this.#head === undefined) return;
    this.#sent.push(this.#head.uids);
    this.#head = undefined;
    if (this.#body instanceof HeldBody) this.#body.endInstance();
  }

  /** Ends the request with its closing delimiter, all its instances being complete. */
  end(framing: Uint8Array<ArrayBuffer>): void {
    if (this.#body instanceof HeldBody) return this.#body.end(framing);
    this.#body.write(framing);
    this.#body.end();
  }

  /** Breaks off the request; one that is held is sent without its incomplete instance. */
  breakOff(reason: GatewayError, framing: Uint8Array<ArrayBuffer>): void {
    const uids = this.#head?.uids;
    this.#head = undefined;
    if (this.#body instanceof HeldBody && this.#body.cut(reason, framing)) {
      if (uids !== undefined) this.#cut.push(uids);
      return;
    }
    if (uids !== undefined) this.#sent.push(uids);
    this.#abort.abort(reason);
    if (this.#body instanceof ReplayableBody) this.#body.fail(reason);
    else this.#body.abandon();
  }

  /**
   * The result; undefined while it is not over. To be read once the last instance is complete: its UIDs may
   * come after the response.
   */
  get result(): PartResult | undefined {
    if (this.#result !== undefined || this.#ending === undefined) return this.#result;
    this.endInstance();
    const { storeUrl, duplicateReasons } = this.#options;
    const { found } = this.#ending;
    const sent = this.#sent.filter((_, index) => !found?.has(index));
    const report = acceptDuplicates(
      accountFor({ ...this.#ending, sent }),
      duplicateReasons,
      { sent, storeUrl },
    );
    const before = this.#sent.filter((_, index) => found?.has(index))
      .map((uids) => storedItem(uids, storeUrl));
    const cut = accountFor({ sent: this.#cut, status: 400, comment: COMMENTS["NET-005"]! });
    this.#sent = [];
    return this.#result = {
      ...this.#ending,
      report: {
        ...report,
        stored: [...before, ...report.stored],
        failed: [...report.failed, ...cut.failed],
        otherFailures: [...report.otherFailures, ...cut.otherFailures],
      },
      isReported: this.#ending.answer?.kind === "report",
    };
  }

  async #send(): Promise<void> {
    const kept = new Set<KeptBody>();
    try {
      this.#ending = await this.#end((body) => kept.add(body));
    } catch (error) {
      const status = error instanceof GatewayError ? error.status : 500;
      this.#ending = { status, error, comment: commentOn(error) };
    } finally {
      this.#body.abandon();
      for (const body of kept) body.close();
    }
  }

  async #read(response: Response, found?: ReadonlySet<number>): Promise<Ending> {
    const { status, headers } = response;
    const maxBytes = () => maxAnswerBytes(this.instances);
    const read = await readStowReport(response, maxBytes);
    if (read instanceof ReadableStream) {
      await read.cancel();
      return unbelievable(`Store answered with more than ${maxBytes()} bytes`);
    }
    const { answer, bytes } = read;
    const instances = this.#sent.filter((_, index) => !found?.has(index));
    const sent = { instances, isWhole: this.#body.isTaken };
    const reason = status < 300 ? disbelief(status, answer, sent) : undefined;
    if (reason !== undefined) return unbelievable(reason);
    if (answer.kind === "report") return { status, answer };
    return { status, answer, response: new Response(bytes, { status, headers }) };
  }

  async #end(keep: (body: KeptBody) => unknown): Promise<Ending> {
    const body = this.#body;
    const { batches } = this.#options;
    if (body instanceof ReplayableBody || batches === undefined) {
      return await this.#read(await this.#sendWritten(body as ReplayableBody, keep));
    }
    await body.sendable;
    const signal = AbortSignal.any([this.#exchange.signal, this.#abort.signal]);
    signal.throwIfAborted();
    const { response, found } = await batches.send(
      { ...this.#exchange, signal },
      body,
      () => this.#sent,
      (toSend) => this.#request({ body: null, ...toSend }, signal, keep),
    );
    if (response === undefined) return { status: 200, answer: NOTHING_LEFT, found };
    return { ...await this.#read(response, found), found };
  }

  /** Sends it; again if the store rejected the credential and all of the body was kept. */
  async #sendWritten(
    body: ReplayableBody,
    keep: (body: KeptBody) => unknown,
  ): Promise<Response> {
    const signal = AbortSignal.any([this.#exchange.signal, this.#abort.signal]);
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#request({ body: body.open() }, signal, keep);
      } catch (error) {
        const isRefused = error instanceof GatewayError && error.code === "TOK-002";
        if (!isRefused || attempt > 1 || !body.canReplay) throw error;
      }
    }
  }

  #request(
    content: Pick<StoreRequest, "body" | "kept">,
    signal: AbortSignal,
    keep: (body: KeptBody) => unknown,
  ): Promise<Response> {
    const { client, method, target, headers } = this.#exchange;
    const own = new Headers(headers);
    for (const name of STALE_HEADERS) own.delete(name);
    own.set("accept", "application/dicom+json");
    return client.send({ method, target, headers: own, ...content, signal }, keep);
  }
}

/** An earlier attempt stored everything. */
const NOTHING_LEFT: StowAnswer = { kind: "report", format: "json", report: EMPTY_REPORT };

const COMMENTS: Partial<Record<ErrorCode, string>> = {
  "NET-001": "Store did not answer in time",
  "NET-002": "Connection to the store failed",
  "NET-005": "Request broke off",
  "NET-010": "Circuit breaker open after earlier failures",
  "TOK-002": "Store rejected the credential in mid-transfer",
};

function unbelievable(reason: string): Ending {
  const error = new GatewayError("NET-009", `Cannot determine what was stored: ${reason}`);
  return { status: error.status, error, comment: reason.slice(0, 64) };
}

/** The reason for the client, who cannot see the log. */
function commentOn(error: unknown): string {
  if (!(error instanceof GatewayError)) return "Gateway failed";
  return COMMENTS[error.code] ?? `Gateway could not send it (${error.code})`;
}
