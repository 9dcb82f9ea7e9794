/**
 * The DICOMweb store of the demo: keeps a bounded number of instances in memory, and requires an access
 * token. It stores, searches, retrieves and deletes by PS3.18, without rendering, transcoding, XML and
 * worklists.
 */
import { type Context, Hono } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import { createRemoteJWKSet, customFetch } from "jose";
import { hostAndPort } from "../config/values/host_names.ts";
import { HttpClient } from "../network/http_client.ts";
import { bearerGate } from "./bearer_gate.ts";
import { type ArchivedInstance, InstanceArchive, type ResourcePath } from "./instance_archive.ts";
import { type LoopbackServer, serveOnLoopback } from "./loopback_server.ts";
import { chooseOffer, JSON_OFFERS } from "./media_type_offer.ts";
import { Problem } from "./problem.ts";
import {
  retrieveBulkData,
  retrieveFrames,
  retrieveInstances,
  retrieveMetadata,
} from "./retrieve_transaction.ts";
import { parseSearchQuery } from "./search_query.ts";
import { search, type SearchLevel } from "./search_transaction.ts";
import { storeInstances } from "./store_transaction.ts";

export interface DicomWebStoreOptions {
  /** The preferred port. */
  readonly port: number;
  readonly jwksUri: string;
  readonly issuer: string;
  readonly audience: string;
  readonly scope: string;
  /** Memory for instances; 256 MiB unless given. */
  readonly maxBytes?: number;
  /** The wall clock, in milliseconds. */
  readonly now?: () => number;
}

export interface DicomWebStore extends LoopbackServer {
  /** The base URL of the DICOMweb service, without a trailing slash. */
  readonly url: string;
  /** Requests with a valid token so far. */
  readonly authorizedRequests: number;
}

/** The path of the service. */
export const BASE_PATH = "/dicom-web";
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

/** Starts a store on 127.0.0.1. */
export function startDicomWebStore(options: DicomWebStoreOptions): DicomWebStore {
  const client = new HttpClient({ allowlist: new Set([hostAndPort(options.jwksUri)]) });
  let authorizedRequests = 0;
  const app = new Hono().basePath(BASE_PATH);
  app.use(bearerGate({
    ...options,
    now: options.now ?? Date.now,
    keys: createRemoteJWKSet(new URL(options.jwksUri), {
      [customFetch]: (url, init) => client.send(url, init),
    }),
    onAuthorized: () => authorizedRequests++,
  }));
  app.use(methodNotAllowed({
    app,
    onMethodNotAllowed(_, methods) {
      throw new Problem(405, "The resource does not have this method", {
        Allow: methods.join(", "),
      });
    },
  }));
  addTransactions(app, new InstanceArchive(options.maxBytes ?? DEFAULT_MAX_BYTES));
  app.notFound(() => new Problem(404, "There is no such resource").toResponse());
  app.onError((error) => {
    if (error instanceof Problem) return error.toResponse();
    throw error;
  });
  const server = serveOnLoopback(options.port, () => app.fetch);
  return {
    ...server,
    url: server.origin + BASE_PATH,
    get authorizedRequests() {
      return authorizedRequests;
    },
    async close() {
      await server.close();
      client.close();
    },
  };
}

const STUDY = "/studies/:study";
const SERIES = `${STUDY}/series/:series`;
const INSTANCE = `${SERIES}/instances/:instance`;

/** Adds the service's transactions, without the access token. */
export function addTransactions(app: Hono, archive: InstanceArchive): void {
  const store = (c: Context) =>
    storeInstances(c.req.raw, { archive, baseUrl: baseUrl(c), study: pathOf(c).study });
  app.post("/studies", store);
  app.post(STUDY, store);

  const searchFor = (level: SearchLevel) => (c: Context) => {
    const { essence } = chooseOffer(c.req.header("accept"), JSON_OFFERS);
    const query = parseSearchQuery(new URL(c.req.url).searchParams);
    const results = search(archive, level, pathOf(c), query, baseUrl(c));
    return Response.json(results, {
      headers: { "Content-Type": essence, ...(query.isFuzzy && { Warning: NOT_FUZZY }) },
    });
  };
  app.get("/studies", searchFor("study"));
  for (const path of ["/series", `${STUDY}/series`]) app.get(path, searchFor("series"));
  for (const path of ["/instances", `${STUDY}/instances`, `${SERIES}/instances`]) {
    app.get(path, searchFor("instance"));
  }

  const found = (c: Context): [ArchivedInstance, ...ArchivedInstance[]] => {
    const [first, ...others] = archive.select(pathOf(c));
    if (first === undefined) throw new Problem(404, "There is no such study, series or instance");
    return [first, ...others];
  };
  for (const path of [STUDY, SERIES, INSTANCE]) {
    app.get(path, (c) => retrieveInstances(found(c), c.req.header("accept"), baseUrl(c)));
    app.get(
      `${path}/metadata`,
      (c) => retrieveMetadata(found(c), c.req.header("accept"), baseUrl(c)),
    );
    app.delete(path, (c) => {
      found(c);
      archive.remove(pathOf(c));
      return c.body(null, 204);
    });
    for (const representation of ["rendered", "thumbnail"]) {
      app.get(`${path}/${representation}`, notRendered);
    }
  }
  app.get(
    `${INSTANCE}/bulkdata/:tag`,
    (c) => retrieveBulkData(found(c)[0], c.req.param("tag"), c.req.header("accept")),
  );
  app.get(
    `${INSTANCE}/frames/:frames`,
    (c) => retrieveFrames(found(c)[0], c.req.param("frames"), c.req.header("accept")),
  );
  app.get(`${INSTANCE}/frames/:frames/rendered`, notRendered);
}

/** The warning of PS3.18, section 8.3.4.2, for a search with fuzzy matching. */
const NOT_FUZZY =
  '299 demo "The fuzzymatching parameter is not supported. Only literal matching has been performed."';

function notRendered(): never {
  throw new Problem(501, "This store does not render images");
}

function pathOf(c: Context): ResourcePath {
  return c.req.param();
}

function baseUrl(c: Context): string {
  return new URL(c.req.url).origin + BASE_PATH;
}
