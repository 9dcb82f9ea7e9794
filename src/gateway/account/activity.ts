/**
 * One worker's traffic to each server: number of requests in the last minutes, response times, requests
 * in progress, the last outcome, of uploads and of all other requests. A request costs an object and a few additions; bodies are not read.
 */
import type { Transaction } from "../../dicomweb/transaction/transaction.ts";
import type { GatewayError } from "../../errors/gateway_error.ts";
import type { StowOutcome } from "../../dicomweb/stow/stow_outcome.ts";
import type { PassedFacts } from "../../upstream/forward_request.ts";
import { contentLength } from "../../dicomweb/completeness/body_check.ts";
import { sentBytes } from "./body_bytes.ts";
import { type ErrorSummary, errorSummary } from "./error_summary.ts";

export const SLOT_MS = 10_000;
/** Five minutes. */
export const SLOTS = 30;
/** Most transfers that a worker reports; beyond, it reports their number. */
const MAX_REPORTED = 50;

/** A request in progress. */
export interface Transfer extends PassedFacts {
  readonly server: string;
  readonly method: string;
  /** Its identifiers and query may identify patients: they are not reported. */
  readonly transaction: Transaction;
  readonly startedMs: number;
  /** By the monotonic clock. */
  readonly beganMs: number;
  /** Whether the gateway sends it to test the store. */
  readonly isTest: boolean;
  /** Length of the request's body, if the client states it. */
  readonly requestBytes: number | undefined;
  /** Length of the response's body, if the store states it. */
  answerBytes: number | undefined;
  isAnswering: boolean;
  /** Whether its response says that it accepted the request's body. */
  hasTaken: boolean;
}

/** How the last request to a server ended. */
export interface LastOutcome {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** The status of the store's response; undefined if the request failed before. */
  readonly storeStatus: number | undefined;
  readonly error: ErrorSummary | undefined;
}

/** An outcome that says something about the store. */
export interface Verdict {
  readonly atMs: number;
  /** Status of the store's response; undefined if there was none. */
  readonly status: number | undefined;
  /** Whether the store seems to have nothing at its configured address. */
  readonly isMisplaced: boolean;
}

/** The outcome of an upload. */
export interface UploadVerdict extends Verdict {
  /** What the store reports of its instances. */
  readonly stow: StowOutcome | undefined;
  /** Why there was no response. */
  readonly error: ErrorSummary | undefined;
}

/** Whether not all of an upload was stored. */
export function isFailedUpload({ status, stow }: UploadVerdict): boolean {
  return status === undefined || status >= 400 || (stow !== undefined && stow.failed > 0);
}

/** The last minutes, oldest slot first; the arrays have {@linkcode SLOTS} members. */
export interface Window {
  /** Number of the newest slot: slots are numbered by the wall clock. */
  readonly slot: number;
  readonly requests: readonly number[];
  readonly failures: readonly number[];
  /** Sum of the times to the responses' headers. */
  readonly totalMs: readonly number[];
  /** Bytes of bodies that were transferred completely and whose length is known. */
  readonly bytes: readonly number[];
}

/** The traffic to one server. */
export interface ActivityReport {
  readonly window: Window;
  /** The last one, except for failed uploads: a full disk does not show in searches that succeed. */
  readonly verdict: Verdict | undefined;
  /** The last upload. */
  readonly upload: UploadVerdict | undefined;
  readonly lastError: ErrorSummary | undefined;
  readonly lastRequest: LastOutcome | undefined;
}

const ZEROS: readonly number[] = Array.from({ length: SLOTS }, () => 0);
/** No traffic. One object, so that a message about many idle servers contains it once. */
export const QUIET: Window = {
  slot: 0,
  requests: ZEROS,
  failures: ZEROS,
  totalMs: ZEROS,
  bytes: ZEROS,
};

/** Of a server that was not used. */
export const NO_ACTIVITY: ActivityReport = {
  window: QUIET,
  verdict: undefined,
  upload: undefined,
  lastError: undefined,
  lastRequest: undefined,
};

const MEASURES = ["requests", "failures", "totalMs", "bytes"] as const;

class ServerActivity {
  readonly #slotOf = new Float64Array(SLOTS).fill(-1);
  #newest = -1;
  readonly requests: Float64Array = new Float64Array(SLOTS);
  readonly failures: Float64Array = new Float64Array(SLOTS);
  readonly totalMs: Float64Array = new Float64Array(SLOTS);
  readonly bytes: Float64Array = new Float64Array(SLOTS);
  verdict: Verdict | undefined;
  upload: UploadVerdict | undefined;
  lastError: ErrorSummary | undefined;
  lastRequest: LastOutcome | undefined;

  /** Index of the slot of a time, reset if it held an older one. */
  at(nowMs: number): number {
    const slot = Math.floor(nowMs / SLOT_MS);
    const place = slot % SLOTS;
    if (this.#slotOf[place] !== slot) {
      this.#slotOf[place] = slot;
      this.#newest = slot;
      for (const measure of MEASURES) this[measure][place] = 0;
    }
    return place;
  }

  window(nowMs: number): Window {
    const slot = Math.floor(nowMs / SLOT_MS);
    if (this.#newest <= slot - SLOTS) return QUIET;
    const inOrder = (measured: Float64Array) =>
      Array.from({ length: SLOTS }, (_, i) => {
        const wanted = slot - SLOTS + 1 + i;
        const place = ((wanted % SLOTS) + SLOTS) % SLOTS;
        return this.#slotOf[place] === wanted ? measured[place]! : 0;
      });
    return {
      slot,
      requests: inOrder(this.requests),
      failures: inOrder(this.failures),
      totalMs: inOrder(this.totalMs),
      bytes: inOrder(this.bytes),
    };
  }
}

export class Activity {
  readonly #servers = new Map<string, ServerActivity>();
  readonly #transfers = new Set<Transfer>();
  readonly #now: () => number;

  /** @param now The wall clock, in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * A request to a store begins.
   *
   * @param isTest Whether the gateway sends it to test the store.
   * @returns The transfer; {@linkcode end} is called when it is over.
   */
  begin(server: string, request: Request, transaction: Transaction, isTest = false): Transfer {
    const transfer: Transfer = {
      server,
      method: request.method,
      transaction,
      startedMs: this.#now(),
      beganMs: performance.now(),
      isTest,
      requestBytes: request.body === null ? 0 : contentLength(request.headers),
      answerBytes: undefined,
      isAnswering: false,
      hasTaken: false,
      fromClient: undefined,
      fromStore: undefined,
      stow: undefined,
      isFromMemory: false,
    };
    this.#transfers.add(transfer);
    return transfer;
  }

  /** The store has sent the headers of its response. */
  answered(
    transfer: Transfer,
    answer: Pick<Response, "status" | "headers">,
    tookMs: number,
  ): void {
    const { status } = answer;
    transfer.isAnswering = true;
    transfer.hasTaken = status < 300;
    transfer.answerBytes = sentBytes(transfer.method, answer);
    const atMs = this.#now();
    const server = this.#of(transfer.server);
    this.#count(server, atMs, tookMs, status >= 500);
    // It says nothing about the store.
    if (transfer.isFromMemory) return;
    if (!transfer.isTest) server.lastRequest = { atMs, storeStatus: status, error: undefined };
    // A later 404 for a study does not prove the address right.
    const isMisplaced = status === 404 &&
      (server.verdict?.isMisplaced === true || asksForStudies(transfer));
    const verdict: Verdict = { atMs, status, isMisplaced };
    if (isUpload(transfer)) {
      server.upload = { ...verdict, stow: transfer.stow, error: undefined };
      if (isFailedUpload(server.upload)) return;
    }
    server.verdict = verdict;
  }

  /**
   * A request was rejected or could not be forwarded.
   *
   * @param transfer Undefined if the request was rejected before it began.
   */
  failed(
    name: string,
    error: GatewayError,
    tookMs: number,
    transfer: Transfer | undefined,
  ): void {
    const atMs = this.#now();
    const server = this.#of(name);
    const summary = errorSummary(error, atMs);
    if (transfer?.isTest !== true) {
      server.lastRequest = { atMs, storeStatus: undefined, error: summary };
    }
    if (transfer === undefined) return;
    this.#count(server, atMs, tookMs, error.status >= 500);
    noteError(server, error, summary, isUpload(transfer));
  }

  /** An operator's test of a server's credential failed. */
  credentialFailed(name: string, error: GatewayError): void {
    noteError(this.#of(name), error, errorSummary(error, this.#now()), false);
  }

  /** @param isComplete Whether the response was sent completely, as far as is known. */
  end(transfer: Transfer, isComplete: boolean): void {
    this.#transfers.delete(transfer);
    if (!isComplete || !transfer.isAnswering) return;
    const { requestBytes, hasTaken, answerBytes, fromClient, fromStore } = transfer;
    const taken = fromClient ?? (hasTaken ? requestBytes : undefined);
    const bytes = (taken ?? 0) + (fromStore ?? answerBytes ?? 0);
    const server = this.#of(transfer.server);
    if (bytes > 0) server.bytes[server.at(this.#now())]! += bytes;
  }

  get underWay(): number {
    return this.#transfers.size;
  }

  /** The transfers that have taken longest. */
  oldest(): Transfer[] {
    const oldest: Transfer[] = [];
    // A set keeps the order in which they began.
    for (const transfer of this.#transfers) {
      if (oldest.push(transfer) === MAX_REPORTED) break;
    }
    return oldest;
  }

  of(server: string): ActivityReport {
    const known = this.#servers.get(server);
    if (known === undefined) return NO_ACTIVITY;
    const { verdict, upload, lastError, lastRequest } = known;
    return { window: known.window(this.#now()), verdict, upload, lastError, lastRequest };
  }

  #of(name: string): ServerActivity {
    let server = this.#servers.get(name);
    if (server === undefined) {
      server = new ServerActivity();
      this.#servers.set(name, server);
    }
    return server;
  }

  #count(server: ServerActivity, atMs: number, tookMs: number, isFailure: boolean): void {
    const place = server.at(atMs);
    server.requests[place]!++;
    server.totalMs[place]! += tookMs;
    if (isFailure) server.failures[place]!++;
  }
}

function noteError(
  server: ServerActivity,
  { status }: GatewayError,
  summary: ErrorSummary,
  isOfUpload: boolean,
): void {
  server.lastError = summary;
  // A client's error says nothing about the store.
  if (status < 500) return;
  const verdict: Verdict = { atMs: summary.atMs, status: undefined, isMisplaced: false };
  if (isOfUpload) server.upload = { ...verdict, stow: undefined, error: summary };
  else server.verdict = verdict;
}

function isUpload({ transaction: { name } }: Transfer): boolean {
  return name === "store" || name === "store-or-replace";
}

/**
 * Whether a request is for `/studies` itself, which every store has (PS3.18, sections 10.5 and 10.6); a
 * 404 for anything else may be about the resource.
 */
function asksForStudies({ transaction }: Transfer): boolean {
  const { name, prefix, study } = transaction;
  return (name === "search-studies" || name === "store") && prefix === "" && study === undefined;
}
