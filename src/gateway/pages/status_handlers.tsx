/**
 * Handlers of the status page at `/`: one shows the state of the gateway, one carries out its forms.
 *
 * @module
 */
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { raw } from "hono/html";
import { ANONYMOUS } from "../../credentials/inbound/caller.ts";
import { classify } from "../../dicomweb/transaction/transaction.ts";
import { catalogue, type ErrorCode } from "../../errors/catalogue.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { Store } from "../../upstream/store.ts";
import { QUIET } from "../account/activity.ts";
import { isOwnOrigin } from "../steps/csrf.ts";
import type { FormSeal } from "./form_seal.ts";
import type { GatewayEnv, PageParts } from "../gateway_env.ts";
import {
  addWindows,
  mergeStates,
  type ServerState,
  type WorkerReports,
} from "../account/gateway_state.ts";
import { asGatewayError } from "../problem.ts";
import type { PublicAddress } from "../public_address.ts";
import { type Health, healthOf, HEALTHS } from "./server_health.ts";
import type { Notice } from "./status_notice.tsx";
import { StatusPage, type StatusPageModel } from "./status_page.tsx";
import type { ShownServer } from "./status_servers.tsx";
import { PAGE_HEADERS } from "./status_page_style.ts";

const PAGE_SIZE = 50;
const MAX_FORM_BYTES = 8192;
const TEST_LIMIT_MS = 20_000;
/** The cheapest question that shows whether a store lets the gateway in. */
const TEST_TARGET = "/studies?limit=1";

/** Shows the page. */
export async function showStatusPage(
  c: Context<GatewayEnv>,
  parts: PageParts,
): Promise<Response> {
  const model = modelOf(c, parts, await parts.states());
  for (const name in PAGE_HEADERS) c.header(name, PAGE_HEADERS[name]);
  return c.html(
    <>
      {raw("<!DOCTYPE html>")}
      <StatusPage model={model} />
    </>,
  );
}

const limitForm = bodyLimit({ maxSize: MAX_FORM_BYTES, onError: refuseForm });

/** Carries out a form of the page. */
export async function takeForm(c: Context<GatewayEnv>, parts: PageParts): Promise<Response> {
  let response: Response | undefined;
  await limitForm(c, async () => {
    response = await carryOut(c, parts);
  });
  return response!;
}

async function carryOut(c: Context<GatewayEnv>, parts: PageParts): Promise<Response> {
  refuseForeignForm(c, parts.address);
  const form = new URLSearchParams(await c.req.text());
  const notice = await act(c, form, parts);
  const query = new URLSearchParams({
    did: notice.did,
    server: notice.server,
    outcome: String(notice.outcome),
    took: String(notice.tookMs),
    seal: parts.seal.seal(noticeText(notice)),
  });
  c.header("cache-control", "no-store");
  // Relative: the gateway may lie below a path of a proxy.
  return c.redirect(`./?${query}`, 303);
}

function refuseForm(): never {
  throw new GatewayError("AUTH-004", "Cannot accept the form: it was not sent by this page");
}

/** Every browser says of a form where it comes from; whoever has no page has the management API. */
function refuseForeignForm(c: Context<GatewayEnv>, address: PublicAddress): void {
  const { raw: request } = c.req;
  const origin = request.headers.get("origin");
  const publicUrl = address.of(request, c.env.remoteAddr?.hostname);
  const isOwn = origin !== null &&
    (isOwnOrigin(origin, request) ||
      (request.headers.get("sec-fetch-site") === null && publicUrl !== undefined &&
        URL.parse(publicUrl)?.origin === origin));
  if (!isOwn || !request.headers.get("content-type")?.startsWith(FORM_TYPE)) {
    refuseForm();
  }
}

/** Media type of the page's forms. */
export const FORM_TYPE = "application/x-www-form-urlencoded";

async function act(
  c: Context<GatewayEnv>,
  form: URLSearchParams,
  options: PageParts,
): Promise<Notice> {
  const { seal, stores, revocation, activity } = options;
  const did = form.get("do") === "drop" ? "drop" : "test";
  const store = stores.get(form.get("server") ?? "");
  if (store === undefined) {
    throw new GatewayError("NET-006", "No such server");
  }
  c.set("server", store.name);
  const notice = (outcome: Notice["outcome"], tookMs = 0) => ({
    did,
    server: store.name,
    outcome,
    tookMs,
  } as const);
  if (!seal.isFor(form.get("seal") ?? "", formText(c))) return notice("stale");
  try {
    if (did === "drop") {
      await revocation.revoke(store);
      return notice("done");
    }
    const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(TEST_LIMIT_MS)]);
    try {
      await store.authorizer.renew(signal);
    } catch (error) {
      activity.credentialFailed(store.name, asGatewayError(error));
      throw error;
    }
    return notice(...await askStore(c, store, signal, options));
  } catch (error) {
    return notice(asGatewayError(error).code);
  }
}

/** Asks a store what costs it least, and counts it like any request. */
async function askStore(
  c: Context<GatewayEnv>,
  store: Store,
  signal: AbortSignal,
  { activity, now }: PageParts,
): Promise<[status: number, tookMs: number]> {
  const startedMs = now();
  const { promise: completed, resolve } = Promise.withResolvers<void>();
  const request = new Request(`http://gateway.invalid${TEST_TARGET}`, {
    headers: { accept: "application/dicom+json" },
    signal,
  });
  const transaction = classify("GET", TEST_TARGET);
  const transfer = activity.begin(store.name, request, transaction, true);
  try {
    const answer = await store.forward({
      request,
      target: TEST_TARGET,
      transaction,
      requestId: c.get("requestId"),
      publicUrl: undefined,
      completed,
    });
    const tookMs = now() - startedMs;
    // It may tell of patients, and nobody asked for it.
    await answer.body?.cancel();
    activity.answered(transfer, new Response(null, { status: answer.status }), tookMs);
    return [answer.status, tookMs];
  } catch (error) {
    activity.failed(store.name, asGatewayError(error), now() - startedMs, transfer);
    throw error;
  } finally {
    activity.end(transfer, false);
    resolve();
  }
}

function modelOf(
  c: Context<GatewayEnv>,
  { stores, version, now, seal }: PageParts,
  told: WorkerReports,
): StatusPageModel {
  const merged = mergeStates(told);
  const search = (c.req.query("q") ?? "").slice(0, 100);
  const counts: Record<Health, number> = {
    failing: 0,
    recovering: 0,
    refusing: 0,
    misplaced: 0,
    unused: 0,
    working: 0,
  };
  const shown: ShownServer[] = [];
  let total: ServerState["window"] = NOTHING.window;
  let inFlight = 0;
  let queued = 0;
  const wanted = search.toLowerCase();
  for (const { name, url, authorizer } of stores.values()) {
    const state = merged.servers.get(name) ?? { ...NOTHING, name };
    const health = healthOf(state);
    counts[health]++;
    total = addWindows(total, state.window);
    inFlight += state.inFlight;
    queued += state.queued;
    if (!name.toLowerCase().includes(wanted)) continue;
    shown.push({ name, url, kind: authorizer.describe().kind, health, state });
  }
  // Sorting is stable: within one health the order of the configuration holds, and unused ones come last.
  const rank = ({ health }: ShownServer) => health === "unused" ? 9 : HEALTHS.indexOf(health);
  shown.sort((one, other) => rank(one) - rank(other));
  const pages = Math.max(1, Math.ceil(shown.length / PAGE_SIZE));
  const page = Math.min(pages, Math.max(1, Number.parseInt(c.req.query("page") ?? "1", 10) || 1));
  return {
    version,
    nowMs: now(),
    counts,
    total,
    inFlight,
    queued,
    servers: shown.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE),
    transfers: merged.transfers.slice(0, PAGE_SIZE),
    underWay: merged.underWay,
    workers: merged.workers,
    silent: merged.silent,
    notice: noticeOf(c, stores, seal),
    formSeal: seal.seal(formText(c)),
    search,
    page,
    pages,
    refreshes: c.req.query("refresh") !== "off",
  };
}

const NOTHING: ServerState = {
  name: "",
  hasToken: false,
  expiresAtMs: undefined,
  tokenBreaker: 0,
  storeBreaker: 0,
  inFlight: 0,
  queued: 0,
  window: QUIET,
  verdict: undefined,
  lastError: undefined,
  lastRequest: undefined,
};

/** What a form's seal is for: this client's use of this page. */
function formText(c: Context<GatewayEnv>): string {
  return `form ${(c.get("caller") ?? ANONYMOUS).subject}`;
}

function noticeText({ did, server, outcome, tookMs }: Notice): string {
  return `notice ${did} ${outcome} ${tookMs} ${server}`;
}

/** The notice that the redirection carries; nothing where the gateway did not write it. */
function noticeOf(
  c: Context<GatewayEnv>,
  stores: ReadonlyMap<string, Store>,
  seal: FormSeal,
): Notice | undefined {
  const did = c.req.query("did");
  const server = c.req.query("server") ?? "";
  if ((did !== "test" && did !== "drop") || !stores.has(server)) return undefined;
  const outcome = outcomeOf(c.req.query("outcome") ?? "");
  const tookMs = Number(c.req.query("took"));
  if (outcome === undefined || !Number.isSafeInteger(tookMs)) return undefined;
  const notice = { did, server, outcome, tookMs } as const;
  return seal.isFor(c.req.query("seal") ?? "", noticeText(notice)) ? notice : undefined;
}

function outcomeOf(text: string): Notice["outcome"] | undefined {
  if (text === "done" || text === "stale") return text;
  if (Object.hasOwn(catalogue, text)) return text as ErrorCode;
  return /^[1-5]\d\d$/.test(text) ? Number(text) : undefined;
}
