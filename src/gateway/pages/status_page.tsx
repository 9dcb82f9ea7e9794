/**
 * The status page: one HTML document without other resources. JSX escapes everything that comes from
 * outside.
 */
import { raw } from "hono/html";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { Window } from "../account/activity.ts";
import type { GatewayState } from "../account/gateway_state.ts";
import { DocumentLink } from "./document_link.tsx";
import type { Health } from "./server_health.ts";
import { Faults, faultsHeadline } from "./status_faults.tsx";
import { type Notice, NoticeLine } from "./status_notice.tsx";
import { SCRIPT, STYLE } from "./status_page_style.ts";
import { Servers, type ShownServer } from "./status_servers.tsx";
import { counted, iso, sum } from "./status_text.ts";
import {
  dataRate,
  latency,
  LatencyLine,
  perMinute,
  RequestsLine,
  WINDOW_MINUTES,
} from "./status_traffic.tsx";
import { Transfers } from "./status_transfers.tsx";

export interface StatusPageModel extends Omit<GatewayState, "servers"> {
  readonly version: string;
  readonly nowMs: number;
  /** The number of servers of each health. */
  readonly counts: Readonly<Record<Health, number>>;
  /** The traffic to all servers. */
  readonly total: Window;
  readonly inFlight: number;
  readonly queued: number;
  /** The servers on this page. */
  readonly servers: readonly ShownServer[];
  readonly notice: Notice | undefined;
  readonly formSeal: string;
  readonly search: string;
  /** Counted from 1. */
  readonly page: number;
  readonly pages: number;
  readonly refreshes: boolean;
}

/** Of browsers that do not run the script. */
const RELOAD_SECONDS = 10;
/** The page has a search field if there are more servers than this. */
const SEARCH_FROM = 10;

/** @returns The document, without its doctype. */
export function StatusPage({ model }: { readonly model: StatusPageModel }): JSX.Element {
  const { counts, version, notice, refreshes, search } = model;
  const [tone, headline] = headlineOf(model);
  const all = sum(Object.values(counts));
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        {refreshes && (
          <noscript>
            <meta
              http-equiv="refresh"
              content={`${RELOAD_SECONDS}; url=${addressOf(model, model.page, true)}`}
            />
          </noscript>
        )}
        <title>{`${headline} – DICOMweb OAuth Gateway`}</title>
        <link rel="icon" href="data:," />
        <style>{raw(STYLE)}</style>
      </head>
      <body>
        <a class="skip" href="#live">Skip to content</a>
        <header>
          <div class="wrap">
            <h1>DICOMweb OAuth Gateway</h1>
            <p class="muted small">
              Version {version} · {refreshes ? "refreshes itself" : "does not refresh itself"} ·
              {" "}
              <a href={addressOf(model, model.page, !refreshes)} id="toggle">
                {refreshes ? "Pause" : "Refresh again"}
              </a>
            </p>
          </div>
        </header>
        <div class="wrap" role="status" id="said-in">
          <p class={`headline ${tone}`} id="said">{headline}</p>
          {notice && <NoticeLine notice={notice} />}
        </div>
        {all > SEARCH_FROM && (
          <form class="wrap search" method="get" role="search">
            <label for="search">Servers whose name contains</label>
            <input id="search" name="q" type="search" value={search} maxlength={100} />
            <button type="submit">Show</button>
          </form>
        )}
        <Live model={model} all={all} />
        <footer class="wrap">
          <p>
            Meaning of the fields: <DocumentLink path="status-page.md" />. The same as JSON:{" "}
            <a href="dicomweb-oauth/status">dicomweb-oauth/status</a> and{" "}
            <a href="dicomweb-oauth/servers">dicomweb-oauth/servers</a>; for Prometheus:{" "}
            <a href="dicomweb-oauth/metrics">dicomweb-oauth/metrics</a>.
          </p>
        </footer>
        <script>{raw(SCRIPT)}</script>
      </body>
    </html>
  );
}

function Live({ model, all }: { readonly model: StatusPageModel; readonly all: number }) {
  const { nowMs, faults, silent, workers, servers, transfers, underWay, refreshes } = model;
  return (
    <main
      class="wrap"
      id="live"
      tabindex={-1}
      data-now={nowMs}
      data-refresh={refreshes ? "on" : "off"}
    >
      <Faults faults={faults} nowMs={nowMs} />
      <Tiles model={model} />
      {silent > 0 && (
        <p class="notice bad">
          {counted(silent, "worker")} did not answer in time: the figures do not include{" "}
          {silent === 1 ? "it" : "them"}. See <DocumentLink path="troubleshooting.md" />.
        </p>
      )}
      <h2 id="servers">Servers</h2>
      {servers.length === 0
        ? (
          <p class="panel empty">
            {all === 0
              ? (
                <>
                  No server is configured. See{" "}
                  <DocumentLink path="configuration.md" heading="Servers.{name}" />, Servers.
                </>
              )
              : "No server's name contains this."}
          </p>
        )
        : <Servers servers={servers} nowMs={nowMs} formSeal={model.formSeal} />}
      <Pages model={model} />
      <h2 id="transfers">Transfers in progress</h2>
      {transfers.length === 0
        ? <p class="panel empty">None.</p>
        : <Transfers transfers={transfers} nowMs={nowMs} />}
      {underWay > transfers.length && (
        <p class="muted small after">
          Those that have taken longest; {underWay - transfers.length} more are in progress.
        </p>
      )}
      <p class="muted small after">
        As of <time datetime={iso(nowMs)}>{iso(nowMs).slice(0, 19).replace("T", " ")} UTC</time>, of
        {" "}
        {counted(workers, "worker")} together.
      </p>
    </main>
  );
}

function Tiles({ model }: { readonly model: StatusPageModel }) {
  const { total, inFlight, queued } = model;
  const requests = sum(total.requests);
  const failures = sum(total.failures);
  return (
    <dl class="tiles">
      <div>
        <dt>Requests a minute</dt>
        <dd class="big">{perMinute(total)}</dd>
        <dd>
          <RequestsLine window={total} />
        </dd>
      </div>
      <div>
        <dt>Response time, on average</dt>
        <dd class="big">{latency(total)}</dd>
        <dd>
          <LatencyLine window={total} />
        </dd>
      </div>
      <div>
        <dt>Failed in {WINDOW_MINUTES} minutes</dt>
        <dd class="big">{failures}</dd>
        <dd class="small muted">
          {requests === 0
            ? "no requests"
            : `of ${requests}, ${(100 * failures / requests).toFixed(failures === 0 ? 0 : 1)} %`}
        </dd>
      </div>
      <div>
        <dt>In progress</dt>
        <dd class="big">{inFlight}</dd>
        <dd class="small muted">
          {queued} waiting{dataRate(total)}
        </dd>
      </div>
    </dl>
  );
}

function Pages({ model }: { readonly model: StatusPageModel }) {
  const { page, pages } = model;
  if (pages < 2) return null;
  return (
    <nav class="pages" aria-label="Pages of servers">
      {page > 1 && <a id="back" href={addressOf(model, page - 1, model.refreshes)}>Back</a>}
      <span class="muted">Page {page} of {pages}, failing servers first</span>
      {page < pages && <a id="on" href={addressOf(model, page + 1, model.refreshes)}>On</a>}
    </nav>
  );
}

/** Faults of the gateway come first: they concern all servers. */
function headlineOf({ faults, counts }: StatusPageModel): [tone: string, text: string] {
  const own = faultsHeadline(faults);
  const [tone, text] = serversHeadline(counts);
  if (own === undefined) return [tone, text];
  return ["bad", tone === "bad" || tone === "warn" ? `${own}; ${text}` : own];
}

function serversHeadline(counts: Readonly<Record<Health, number>>): [tone: string, text: string] {
  const { failing, rejecting, recovering, refusing, misplaced, unused, working } = counts;
  const all = sum(Object.values(counts));
  if (all === 0) return ["", "No servers yet"];
  if (failing > 0) {
    return ["bad", `${failing} of ${counted(all, "server")} ${failing === 1 ? "fails" : "fail"}`];
  }
  if (rejecting > 0) {
    const store = rejecting === 1 ? "does" : "do";
    return ["bad", `${rejecting} of ${counted(all, "server")} ${store} not store uploads`];
  }
  const shaky = recovering + refusing + misplaced;
  if (shaky > 0) {
    const need = shaky === 1 ? "needs" : "need";
    return ["warn", `${shaky} of ${counted(all, "server")} ${need} a look`];
  }
  if (working === 0) return ["", "Ready: no requests yet"];
  if (unused === 0) return ["ok", all === 1 ? "The server works" : `All ${all} servers work`];
  return [
    "ok",
    `${working} of ${counted(all, "server")} ${working === 1 ? "works" : "work"}, ` +
    `${unused === 1 ? "one is" : `${unused} are`} not used yet`,
  ];
}

function addressOf({ search }: StatusPageModel, page: number, refreshes: boolean): string {
  const query = new URLSearchParams();
  if (search !== "") query.set("q", search);
  if (page > 1) query.set("page", String(page));
  if (!refreshes) query.set("refresh", "off");
  const text = query.toString();
  return text === "" ? "./" : `./?${text}`;
}
