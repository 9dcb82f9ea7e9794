/**
 * Handlers of the status page at `/`: one shows the state of the gateway, one carries out its forms.
 */
import type { Context } from "hono";
import { raw } from "hono/html";
import { ANONYMOUS } from "../../credentials/inbound/caller.ts";
import { classify } from "../../dicomweb/transaction/transaction.ts";
import { catalogue, type ErrorCode } from "../../errors/catalogue.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { readText } from "../../network/bounded_body.ts";
import type { Store } from "../../upstream/store.ts";
import { NO_ACTIVITY, QUIET } from "../account/activity.ts";
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
import { sum } from "./status_text.ts";

/** Media type of the page's forms. */
export const FORM_TYPE = "application/x-www-form-urlencoded";

const PAGE_SIZE = 50;
const MAX_FORM_BYTES = 8192;
const TEST_LIMIT_MS = 20_000;
/** The cheapest request that shows whether a store accepts the credential. */
const TEST_TARGET = "/studies?limit=1";

type Ctx = Context<GatewayEnv>;

/** Shows the page. */
export async function showStatusPage(c: Ctx, parts: PageParts): Promise<Response> {
  const model = modelOf(c, parts, await parts.states());
  for (const name in PAGE_HEADERS) c.header(name, PAGE_HEADERS[name]);
  return c.html(
    <>
      {raw("<!DOCTYPE html>")}
      <StatusPage model={model} />
    </>,
  );
}

/** Carries out a form of the page. */
export async function takeForm(c: Ctx, parts: PageParts): Promise<Response> {
  refuseForeignForm(c, parts.address);
  const text = await readText(c.req.raw.body, MAX_FORM_BYTES);
  if (text === undefined) refuseForm();
  const notice = await act(c, new URLSearchParams(text), parts);
  const query = new URLSearchParams({
    did: notice.did,
    server: notice.server,
    outcome: String(notice.outcome),
    took: String(notice.tookMs),
    seal: parts.seal.seal(noticeText(notice)),
  });
  c.header("cache-control", "no-store");
  // Relative, as a proxy may serve the gateway below a path.
  return c.redirect(`./?${query}`, 303);
}

function refuseForm(): never {
  throw new GatewayError("AUTH-004", "Cannot accept the form: it was not sent by this page");
}

/** Every browser sends the origin of a form; other clients have the management API. */
function refuseForeignForm(c: Ctx, address: PublicAddress): void {
  const { raw: request } = c.req;
  const origin = request.headers.get("origin");
  const publicUrl = address.of(request, c.env.remoteAddr?.hostname);
  const isOwn = origin !== null &&
    (isOwnOrigin(origin, request) ||
      (request.headers.get("sec-fetch-site") === null && publicUrl !== undefined &&
        URL.parse(publicUrl)?.origin === origin));
  if (!isOwn || !request.headers.get("content-type")?.startsWith(FORM_TYPE)) refuseForm();
}

async function act(c: Ctx, form: URLSearchParams, parts: PageParts): Promise<Notice> {
  const { seal, stores, revocation } = parts;
  const did = form.get("do") === "drop" ? "drop" : "test";
  const store = stores.get(form.get("server") ?? "");
  if (store === undefined) throw new GatewayError("NET-006", "No such server");
  c.set("server", store.name);
  const notice = (outcome: Notice["outcome"], tookMs = 0): Notice => (
    { did, server: store.name, outcome, tookMs }
  );
  if (!seal.isFor(form.get("seal") ?? "", formText(c))) return notice("stale");
  try {
    if (did === "test") return notice(...await testStore(c, store, parts));
    await revocation.revoke(store);
    return notice("done");
  } catch (error) {
    return notice(asGatewayError(error).code);
  }
}

/** Fetches a new credential and sends a request to the store, which is counted like any other. */
async function testStore(
  c: Ctx,
  store: Store,
  { activity, now }: PageParts,
): Promise<[status: number, tookMs: number]> {
  const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(TEST_LIMIT_MS)]);
  try {
    await store.authorizer.renew(signal);
  } catch (error) {
    activity.credentialFailed(store.name, asGatewayError(error));
    throw error;
  }
  const startedMs = now();
  const { promise: completed, resolve } = Promise.withResolvers<void>();
  const request = new Request(`http://gateway.invalid${TEST_TARGET}`, {
    headers: { accept: "application/dicom+json" },
    signal,
  });
  const transaction = classify("GET", TEST_TARGET);
  const transfer = activity.begin(store.name, request, transaction, true);
  try {
    const { status, body } = await store.forward({
      request,
      target: TEST_TARGET,
      transaction,
      requestId: c.get("requestId"),
      publicUrl: undefined,
      completed,
    });
    const tookMs = now() - startedMs;
    // Not read: it may contain patient data.
    await body?.cancel();
    activity.answered(transfer, new Response(null, { status }), tookMs);
    return [status, tookMs];
  } catch (error) {
    activity.failed(store.name, asGatewayError(error), now() - startedMs, transfer);
    throw error;
  } finally {
    activity.end(transfer, false);
    resolve();
  }
}

function modelOf(
  c: Ctx,
  { stores, version, now, seal }: PageParts,
  reports: WorkerReports,
): StatusPageModel {
  const { servers, transfers, ...rest } = mergeStates(reports);
  const all: readonly ShownServer[] = [...stores.values()].map(
    ({ name, url, profile, authorizer }) => {
      const state = servers.get(name) ?? { ...NOTHING, name };
      const { kind } = authorizer.describe();
      return { name, url, profile, kind, health: healthOf(state), state };
    },
  );
  const countOf = (health: Health) => all.filter((server) => server.health === health).length;
  const search = (c.req.query("q") ?? "").slice(0, 100);
  const wanted = search.toLowerCase();
  // Sorting is stable: servers of the same health keep the order of the configuration.
  const shown = all.filter(({ name }) => name.toLowerCase().includes(wanted))
    .sort((one, other) => HEALTHS.indexOf(one.health) - HEALTHS.indexOf(other.health));
  const pages = Math.max(1, Math.ceil(shown.length / PAGE_SIZE));
  const page = Math.min(pages, Math.max(1, Number.parseInt(c.req.query("page") ?? "1", 10) || 1));
  return {
    ...rest,
    version,
    nowMs: now(),
    counts: Object.fromEntries(
      HEALTHS.map((health) => [health, countOf(health)]),
    ) as Record<Health, number>,
    total: all.map(({ state }) => state.window).reduce(addWindows, QUIET),
    inFlight: sum(all.map(({ state }) => state.inFlight)),
    queued: sum(all.map(({ state }) => state.queued)),
    servers: shown.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE),
    transfers: transfers.slice(0, PAGE_SIZE),
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
  ...NO_ACTIVITY,
};

/** The text that a form's seal is for: binds the form to the client. */
function formText(c: Ctx): string {
  return `form ${(c.get("caller") ?? ANONYMOUS).subject}`;
}

function noticeText({ did, server, outcome, tookMs }: Notice): string {
  return `notice ${did} ${outcome} ${tookMs} ${server}`;
}

/** The notice in the query; undefined unless the gateway wrote it. */
function noticeOf(
  c: Ctx,
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
