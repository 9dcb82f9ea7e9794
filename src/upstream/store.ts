/**
 * A configured DICOMweb store: forwards a client's request and returns the store's response, streaming
 * both bodies. It rejects targets outside the store's base URL.
 */
import type { Authorizer } from "../credentials/authorizer.ts";
import type { HeaderFields } from "../network/header_fields.ts";
import { findTargetFault } from "../dicomweb/transaction/store_path.ts";
import type { Profile } from "../dicomweb/profile/profile.ts";
import { wholeAnswerBody, wholeRequestBody } from "../dicomweb/completeness/whole_body.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { BatchSender } from "./batch_sender.ts";
import type { Deadlines } from "./deadlines.ts";
import { requestHeaders } from "./end_to_end_headers.ts";
import type { ForwardRequest, PassedBytes } from "./forward_request.ts";
import { dispatch, type DispatchOptions } from "./dispatch.ts";
import type { ByteBudget, HoldingRoom } from "./holding_room.ts";
import { watchIdle } from "./idle_watch.ts";
import { Pace } from "./pace.ts";
import { presentAnswer } from "./present_answer.ts";
import { presentBody } from "./present_body.ts";
import { RunningRequest } from "./running_request.ts";
import { StoreDialect } from "./store_dialect.ts";
import { HeldResponse } from "./read_ahead/held_response.ts";
import { ReadAhead } from "./read_ahead/read_ahead.ts";
import type { Sending } from "./read_ahead/read_ahead_options.ts";
import type { AnswerMemory } from "./read_ahead/answer_memory.ts";
import type { StoreExchange } from "./store_exchange.ts";
import { StoreClient, type StoreClientOptions } from "./store_client.ts";
import { type StoreLimits, storeLimits } from "./store_limits.ts";
import { openStoreWebSocket, type OpenWebSocket, type Upgrade } from "./store_web_socket.ts";

export interface StoreOptions extends StoreClientOptions {
  readonly deadlines: Deadlines;
  /** A header by which clients authenticate at the gateway; the store must not see it. */
  readonly credentialHeader?: string | undefined;
  /** Whether the runtime sends its own spans to the store. */
  readonly isTraced?: boolean | undefined;
  /** Holds uploads, with those of all other stores. */
  readonly room: HoldingRoom;
  /** Memory for what is received before it can be sent, with that of all other stores. */
  readonly readAhead: ByteBudget;
  /** Answers for viewers in that memory; none are kept unless given. */
  readonly answers?: AnswerMemory | undefined;
  /** Sent if the client has no `User-Agent`. */
  readonly userAgent: string;
  /** How many workers share the concurrency limits; 1 unless given. */
  readonly workers?: number;
}

type Body = ReadableStream<Uint8Array<ArrayBuffer>> | null;

/** W3C Trace Context, section 3.2; others could be rejected by the store, or forge its log. */
const TRACE_PARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[!-~]{0,100})?$/;

export class Store {
  /** The store's name in the configuration. */
  readonly name: string;
  /** Base URL of the store's DICOMweb service, without a trailing slash. */
  readonly url: string;
  readonly profile: Profile;
  readonly authorizer: Authorizer;
  readonly #options: StoreOptions;
  readonly #client: StoreClient;
  readonly #dialect: StoreDialect;
  readonly #dispatching: Omit<DispatchOptions, "accept" | "onOutcome">;
  /** What a request waits for, with the timeout that then applies. */
  readonly #waits: Readonly<Record<"answer" | "answerToBody" | "body" | "nextPiece", string>>;
  readonly #limits: StoreLimits;
  readonly #readAhead: ReadAhead | undefined;

  constructor(options: StoreOptions) {
    this.name = options.config.name;
    this.url = options.config.url;
    this.profile = options.config.profile;
    this.authorizer = options.authorizer;
    this.#options = options;
    this.#client = new StoreClient(options);
    const { name, url, profile, aliases, wadoUri } = options.config;
    this.#dialect = new StoreDialect(url, profile, { aliases, wadoUri });
    this.#limits = storeLimits(options);
    const { logger, metrics, room, readAhead } = options;
    const pace = new Pace(profile.rules.requestsPerSecond);
    this.#dispatching = {
      rules: profile.rules,
      pace,
      memory: readAhead,
      batches: profile.rules.storeBatchBytes === 0 ? undefined : new BatchSender({
        server: name,
        rules: profile.rules,
        room,
        pace,
        maxConcurrent: this.#limits.uploads.maxConcurrent,
        logger,
        metrics,
      }),
      server: name,
      storeUrl: url,
      logger,
    };
    this.#readAhead = this.#createReadAhead(pace);
    this.#waits = {
      answer: `server "${name}" to answer (Timeouts.HeadersSeconds)`,
      answerToBody: `server "${name}" to answer (Timeouts.TransferSeconds)`,
      body: `the body of server "${name}" (Timeouts.TransferSeconds)`,
      nextPiece: `the next piece of the body of server "${name}" (Timeouts.IdleSeconds)`,
    };
  }

  /**
   * @returns The store's response: its status, its body, its end-to-end headers.
   * @throws {GatewayError} NET-005 for a rejected target, with 414 for a long one, NET-011 if a concurrency limit is reached, and
   * what `StoreClient.send` throws.
   * @throws The reason of `request.signal` when the client has left.
   */
  async forward(forward: ForwardRequest): Promise<Response> {
    const running = this.#prepare(forward);
    try {
      const response = this.#readAhead === undefined
        ? await this.#send(forward, running)
        : await this.#readAhead.answer(forward, running);
      running.isAnswered = true;
      running.extend(this.#options.config.timeouts.transferMs, this.#waits.body);
      forward.completed.then(running.end, running.end);
      const isHeld = response instanceof HeldResponse;
      const watched = isHeld ? response : this.#watch(response, running, forward.passed);
      return await presentAnswer(watched, forward, {
        running,
        dialect: this.#dialect,
        gatewayBase: this.#baseAt(forward.publicUrl),
        credentialHeader: this.#options.credentialHeader,
      });
    } catch (error) {
      running.fail();
      throw error;
    }
  }

  /** Ends what goes on without a client. */
  async close(): Promise<void> {
    await this.#readAhead?.close();
  }

  #createReadAhead(pace: Pace): ReadAhead | undefined {
    const { answers: memory, metrics, config: { profile: { rules }, timeouts } } = this.#options;
    if (memory === undefined || rules.readAheadConcurrency === 0) return undefined;
    return new ReadAhead({
      server: this.name,
      concurrency: rules.readAheadConcurrency,
      memory,
      pace,
      limit: this.#limits.all,
      metrics,
      headersFor: ({ request, requestId }) => this.#headersFor(request, requestId),
      begin: (target, signal) =>
        this.#prepare({ target, request: { method: "GET", body: null, signal } }),
      restart: (running) => running.extend(timeouts.headersMs, this.#waits.answer),
      send: (forward, running, sending) => this.#send(forward, running, sending),
    });
  }

  /** Sends a request when there is a place for it. */
  async #send(
    forward: ForwardRequest,
    running: RunningRequest,
    sending?: Sending,
  ): Promise<Response> {
    const body = await this.#admit(forward, running);
    return await this.#dispatch(forward, running, body, sending);
  }

  /** Checks the target and starts the time limit. */
  #prepare(
    { request, target }: {
      readonly request: Pick<Request, "method" | "body" | "signal">;
      readonly target: string;
    },
  ): RunningRequest {
    const { deadlines, config: { timeouts, maxTargetLength } } = this.#options;
    const server = this.name;
    if (target.length > maxTargetLength) {
      throw new GatewayError(
        "NET-005",
        `Cannot forward the request: its path and query have ${target.length} characters, and ` +
          `MaxTargetLength of server "${server}" is ${maxTargetLength}`,
        {
          server,
          status: 414,
          troubleshooting: [
            "Request fewer UIDs or frames at once",
            "Raise `MaxTargetLength` if the store and all proxies before it accept longer URLs",
          ],
        },
      );
    }
    const fault = findTargetFault(target);
    if (fault !== undefined) {
      throw new GatewayError("NET-005", `Cannot forward the request: ${fault}`, { server });
    }
    return new RunningRequest(
      deadlines,
      request.signal,
      request.body === null
        ? { limitMs: timeouts.headersMs, waitingFor: this.#waits.answer }
        : { limitMs: timeouts.transferMs, waitingFor: this.#waits.answerToBody },
    );
  }

  /** Waits for the beginning of the client's body and for a place under the concurrency limits. */
  async #admit({ request, passed }: ForwardRequest, running: RunningRequest): Promise<Body> {
    const { deadlines, config: { timeouts: { headersMs, idleMs } } } = this.#options;
    const present = presentBody(request, running.signal);
    const body = present instanceof Promise ? await present : present;
    if (body !== null) await running.enter(this.#limits.uploads);
    else if (request.body !== null) running.extend(headersMs, this.#waits.answer);
    const turn = running.enter(this.#limits.all);
    if (turn !== undefined) await turn;
    if (body === null || idleMs === undefined) return body;
    const watched = watchIdle(body, {
      deadlines,
      exchange: running.exchange,
      idleMs,
      waitingFor: "the next piece of the client's body (Timeouts.IdleSeconds)",
      status: 408,
      onPiece: counting(passed, "fromClient"),
    });
    return wholeRequestBody(watched, request.headers);
  }

  /** Translates the request for the store and sends it. */
  async #dispatch(
    { request, target, transaction, requestId, publicUrl, passed }: ForwardRequest,
    running: RunningRequest,
    body: Body,
    { observe, isOptional }: Sending = {},
  ): Promise<Response> {
    const { wadoUri, timeouts: { headersMs, transferMs } } = this.#options.config;
    const headers = this.#headersFor(request, requestId);
    const gatewayBase = this.#baseAt(publicUrl);
    const client: StoreExchange["client"] = observe === undefined ? this.#client : {
      send: async (sent, keep) => {
        const response = await this.#client.send({ ...sent, isOptional }, keep);
        observe(response);
        return response;
      },
    };
    const exchange = {
      client,
      method: request.method,
      target,
      resource: transaction.name === "wado-uri" ? wadoUri : undefined,
      headers,
      body: this.#dialect.toStore(transaction, target, { headers, body }, gatewayBase),
      signal: running.signal,
      keep: running.keep,
      translateUrl: this.#dialect.urlTranslation(target, gatewayBase),
      proceed: () => {
        if (!running.isAnswered) running.extend(headersMs, this.#waits.answer);
      },
    };
    const accept = request.headers.get("accept");
    const response = await dispatch(exchange, transaction, {
      ...this.#dispatching,
      accept,
      onOutcome: passed && ((outcome) => passed.stow = outcome),
    });
    running.isAnswered = true;
    running.extend(transferMs, this.#waits.body);
    return response;
  }

  /** Limits how long a body may stall, if the configuration does. */
  #watch(
    response: Response,
    { exchange }: RunningRequest,
    passed: PassedBytes | undefined,
  ): Response {
    const { deadlines, config: { timeouts: { idleMs } } } = this.#options;
    if (idleMs === undefined || response.body === null) return response;
    const { body, headers } = response;
    const watched = watchIdle(wholeAnswerBody(body, headers), {
      deadlines,
      exchange,
      idleMs,
      waitingFor: this.#waits.nextPiece,
      onPiece: counting(passed, "fromStore"),
    });
    return new Response(watched, response);
  }

  /** The URL by which the client reaches this store, if known. */
  #baseAt(publicUrl: string | undefined): string | undefined {
    return publicUrl && `${publicUrl}/dicom-web/${this.name}`;
  }

  /**
   * Opens a WebSocket at the store and joins the client's to it.
   *
   * @throws {GatewayError} NET-005 for a rejected target, and what `openStoreWebSocket` throws.
   * @throws The reason of `request.signal` when the client has left.
   */
  async openWebSocket(
    { request, target, requestId }: Pick<ForwardRequest, "request" | "target" | "requestId">,
    upgrade: Upgrade,
  ): Promise<OpenWebSocket> {
    const running = this.#prepare({ request, target });
    const headers = this.#headersFor(request, requestId);
    const offered = request.headers.get("sec-websocket-protocol");
    const { http, config } = this.#options;
    const { all, uploads, sockets } = this.#limits;
    return await openStoreWebSocket(
      { target, headers, offered, running },
      { client: this.#client, http, config, limits: [sockets, uploads, all] },
      upgrade,
    );
  }

  #headersFor(request: Request, requestId: string): HeaderFields {
    const headers = requestHeaders(request.headers, this.#options.credentialHeader);
    if (!headers.has("user-agent")) headers.set("user-agent", this.#options.userAgent);
    headers.set("x-request-id", requestId);
    const traceparent = headers.get("traceparent");
    // The runtime continues the client's trace by a header of its own.
    if (traceparent !== null && (this.#options.isTraced || !TRACE_PARENT.test(traceparent))) {
      headers.delete("traceparent");
      headers.delete("tracestate");
    }
    if (!this.#options.config.compression) headers.set("accept-encoding", "identity");
    return headers;
  }
}

function counting(
  passed: PassedBytes | undefined,
  side: "fromClient" | "fromStore",
): ((bytes: number) => void) | undefined {
  if (passed === undefined) return undefined;
  passed[side] = 0;
  return (bytes) => {
    passed[side] = (passed[side] ?? 0) + bytes;
  };
}
