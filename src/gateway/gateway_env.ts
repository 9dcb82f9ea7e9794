/**
 * The context of a request in the gateway's middleware, and the rows of the table of pages.
 */
import type { Context } from "hono";
import type { z } from "zod";
import type { Caller } from "../credentials/inbound/caller.ts";
import type { Transaction } from "../dicomweb/transaction/transaction.ts";
import type { Store } from "../upstream/store.ts";
import type { Activity, Transfer } from "./account/activity.ts";
import type { FormSeal } from "./pages/form_seal.ts";
import type { WorkerReports } from "./account/gateway_state.ts";
import type { PublicAddress } from "./public_address.ts";
import type { TokenRevocation } from "./pages/token_revocation.ts";

export type PublicJwk = Readonly<Record<string, string>>;

/** The collaborators of the handlers of pages. */
export interface PageParts {
  readonly stores: ReadonlyMap<string, Store>;
  readonly version: string;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now: () => number;
  readonly activity: Activity;
  readonly revocation: TokenRevocation;
  readonly address: PublicAddress;
  readonly seal: FormSeal;
  /** The states of all workers. */
  readonly states: () => Promise<WorkerReports>;
  /** Checks what requests need beyond this process. Rejects with a message if it is unavailable. */
  readonly checkReadiness: () => Promise<void>;
  /** Metrics of the whole gateway in the Prometheus text format. */
  readonly metricsText: () => Promise<string>;
  readonly publicKeys: readonly PublicJwk[];
  /** The content of a file below `docs/`; undefined if there is none. */
  readonly document: (path: string) => Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** The methods that pages have. HEAD is answered as GET (RFC 9110, section 9.3.2). */
export type PageMethod = "GET" | "POST" | "DELETE";

/** One method of a page. All but `summary`, `form` and `handler` describes the successful response. */
export interface PageOperation {
  readonly summary: string;
  /** 200 if absent. */
  readonly status?: 303;
  readonly description: string;
  /** Absent if `schema` is present or the response has no body. */
  readonly mediaType?: string;
  /** Shape of a JSON response. */
  readonly schema?: z.ZodType;
  /** Media type of the form that the request must carry. */
  readonly form?: string;
  readonly handler: (
    c: Context<GatewayEnv>,
    parts: PageParts,
    /** Name in the path's `:name`, decoded, or path in its `:document`; empty if the path has none. */
    name: string,
  ) => Response | Promise<Response>;
}

/** A page of the gateway: one row of the table. */
export interface Page {
  /** With `:name` in place of the name of a configured server, `:document` of a path below `docs/`. */
  readonly path: string;
  /** The permission that it requires; `open`: none, no credentials, no rate limit, no audit record. */
  readonly right: "manage" | "metrics" | "open";
  readonly methods: Readonly<Partial<Record<PageMethod, PageOperation>>>;
}

/** A request for a store. */
export interface StoreDestination {
  readonly kind: "store";
  /** Pattern of the path, for metrics. */
  readonly route: string;
  /** The name in the path; possibly not that of a configured server. */
  readonly server: string;
  /** Path below the store's base URL and query, for the store. */
  readonly target: string;
  readonly transaction: Transaction;
  readonly isWebSocket: boolean;
}

/** A request for one of the gateway's own pages. */
export interface PageDestination {
  readonly kind: "page";
  /** Pattern of the path, for metrics. */
  readonly route: string;
  /** Undefined if there is no such page. */
  readonly page: Page | undefined;
  /** The name in the path, if the page is about one server; possibly not that of a configured one. */
  readonly server: string | undefined;
  /** The path below `docs/`, if the page is a document; possibly not of an existing one. */
  readonly document?: string;
}

export type Destination = StoreDestination | PageDestination;

/** The account of a request, as other steps use it. */
export interface Account {
  /** Whether the request must be refused, as no audit record of it can be written. */
  readonly isUnrecordable: boolean;
  /** Records the failure of the request and returns its response. */
  fail(thrown: Error): Response;
}

/** Types of Hono's context: the runtime's part and the part that middleware adds. */
export interface GatewayEnv {
  /** The part of `Deno.ServeHandlerInfo` that is used. */
  readonly Bindings: {
    /** Settles when the response has been sent completely, or failed. */
    readonly completed: Promise<void>;
    readonly remoteAddr?: { readonly hostname: string };
  };
  readonly Variables: {
    destination: Destination;
    requestId: string;
    /** Set from the accounting step on. */
    account: Account;
    /** The authenticated client, if authentication is configured. */
    caller: Caller | undefined;
    /** The client's address, once determined. */
    address: string | undefined;
    /** Name of the configured server, once it is known to exist. */
    server: string | undefined;
    /** Set once the request is forwarded to a store. */
    transfer: Transfer | undefined;
    /** Settles when the WebSocket that the request opened is closed. */
    socketClosed: Promise<void> | undefined;
  };
}
