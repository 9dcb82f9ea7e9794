/**
 * Requests DICOM as it is stored where the store cannot transcode it to the default transfer syntax, which
 * a client that names none is entitled to (PS3.18, section 8.7.3.4), and warns the client of it.
 */
import { normaliseAccept } from "../dicomweb/media_type/accept.ts";
import type { Rules } from "../dicomweb/profile/profile.ts";
import type { Transaction } from "../dicomweb/transaction/transaction.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { StoreClient } from "./store_client.ts";
import type { StoreExchange } from "./store_exchange.ts";

type Send = StoreClient["send"];

export interface StoredFormOptions {
  readonly rules: Rules;
  /** The client's own `Accept`. */
  readonly accept: string | null;
  /** Name of the configured server. */
  readonly server: string;
  readonly logger: Pick<Logger, "info">;
}

const WARNING =
  '299 dicomweb-gateway "The store cannot transcode this to Explicit VR Little Endian, the default: it ' +
  'is in the stored transfer syntax"';

/** The requests of one exchange, each of which is repeated at most once. */
export class StoredForm {
  readonly #exchange: StoreExchange;
  readonly #transaction: Transaction;
  readonly #options: StoredFormOptions;
  #isUsed = false;

  constructor(exchange: StoreExchange, transaction: Transaction, options: StoredFormOptions) {
    this.#exchange = exchange;
    this.#transaction = transaction;
    this.#options = options;
  }

  /** The exchange, whose client requests the stored form where needed. */
  get exchange(): StoreExchange {
    return { ...this.#exchange, client: { send: this.#send } };
  }

  /** Adds the warning to the response for the client, if one of the store's is in the stored form. */
  withWarning(response: Response): Response {
    if (!this.#isUsed || !response.ok) return response;
    const headers = new Headers(response.headers);
    headers.append("warning", WARNING);
    return new Response(response.body, { status: response.status, headers });
  }

  readonly #send: Send = async (request, keep) => {
    const { client, headers, proceed } = this.#exchange;
    const asked = headers.get("accept");
    const response = await client.send(request, keep);
    const { rules, server, logger } = this.#options;
    const { status } = response;
    // Lists of instances are requested with another `Accept`.
    if (!rules.askStoredAfter.includes(status) || request.headers.get("accept") !== asked) {
      return response;
    }
    const stored = this.#acceptStored();
    if (stored === null || stored === asked) return response;
    proceed?.();
    const again = new Headers(request.headers);
    again.set("accept", stored);
    const second = await client.send({ ...request, headers: again }, keep);
    // The client that waits for a busy store repeats both.
    const isBusy = second.status === 429 || second.status === 503;
    if (second.status >= 400 && !isBusy) {
      await second.body?.cancel();
      return response;
    }
    await response.body?.cancel();
    this.#isUsed = true;
    logger.info("Store cannot transcode; requested the stored transfer syntax", {
      server,
      status,
      request_id: headers.get("x-request-id"),
    });
    return second;
  };

  #acceptStored(): string | null {
    const { accept, rules } = this.#options;
    return normaliseAccept(this.#transaction, accept, { rules: { ...rules, askStored: true } });
  }
}
