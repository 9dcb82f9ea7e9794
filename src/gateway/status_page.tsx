/**
 * The status page: what an operator wants to know of the gateway, as one HTML document that needs
 * nothing else. Everything that comes from outside is escaped by JSX.
 *
 * @module
 */
import { raw } from "hono/html";
import type { JSX } from "hono/jsx/jsx-runtime";
import { SLOT_MS, SLOTS, type ToldError, type Window } from "./activity.ts";
import { catalogue, type ErrorCode } from "../errors/catalogue.ts";
import type { BreakerState, ServerState, ToldTransfer } from "./gateway_state.ts";
import type { Health } from "./server_health.ts";
import { SCRIPT, STYLE } from "./status_page_style.ts";

/** A server as the page shows it. */
export interface ShownServer {
  readonly name: string;
  readonly url: string;
  /** The way of signing, as in the configuration. */
  readonly kind: string;
  readonly health: Health;
  readonly state: ServerState;
}

/** What an operator's button has brought about. */
export interface Notice {
  readonly did: "test" | "drop";
  readonly server: string;
  /** What the store answered, that the token was dropped, or why it failed. */
  readonly outcome: number | "done" | ErrorCode | "stale";
  readonly tookMs: number;
}

/** What the page shows. */
export interface StatusPageModel {
  readonly version: string;
  readonly nowMs: number;
  /** How many servers there are of each health. */
  readonly counts: Readonly<Record<Health, number>>;
  /** The traffic to all servers. */
  readonly total: Window;
  readonly inFlight: number;
  readonly queued: number;
  /** The servers on this page. */
  readonly servers: readonly ShownServer[];
  readonly transfers: readonly ToldTransfer[];
  readonly underWay: number;
  readonly workers: number;
  readonly silent: number;
  readonly notice: Notice | undefined;
  readonly formSeal: string;
  readonly search: string;
  /** Counted from 1. */
  readonly page: number;
  readonly pages: number;
  readonly refreshes: boolean;
}

const HEALTH: Readonly<Record<Health, readonly [tone: string, sign: string, word: string]>> = {
  failing: ["bad", "✕", "Failing"],
  recovering: ["warn", "↻", "Recovering"],
  refusing: ["warn", "!", "Refused"],
  unused: ["idle", "–", "Not used yet"],
  working: ["ok", "✓", "Working"],
};

/** What an answer of the store itself may mean. */
const HINTS: Readonly<Partial<Record<Health, string>>> = {
  failing: "it has a fault of its own; ask who runs it.",
  refusing: "it knows the credential and does not let it do this; check its roles at the store.",
};

const CREDENTIALS: Readonly<Record<string, string>> = {
  none: "No credential",
  basic: "User name and password",
  headers: "Fixed headers",
  static_token: "Fixed token",
  token_file: "Token from a file",
  client_credentials: "OAuth2 client",
  azure_managed_identity: "Azure managed identity",
  google: "Google",
  aws: "AWS Signature Version 4",
};

const BREAKER: readonly (readonly [tone: string, word: string])[] = [
  ["ok", "closed"],
  ["bad", "open"],
  ["warn", "trying"],
];

const WINDOW_MINUTES = SLOTS * SLOT_MS / 60_000;
/** Without the script the page is loaded anew by the browser itself. */
const RELOAD_SECONDS = 10;
/** From this number on a search field helps. */
const SEARCH_FROM = 10;

/**
 * The page.
 *
 * @param model What it shows.
 * @returns The document, without its doctype.
 */
export function StatusPage({ model }: { readonly model: StatusPageModel }): JSX.Element {
  const { counts, version, notice, refreshes, search } = model;
  const [tone, headline] = headlineOf(counts);
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
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
        <a class="skip" href="#live">To the content</a>
        <header>
          <div class="wrap">
            <h1>DICOMweb OAuth Gateway</h1>
            <p class="muted small">
              Version {version} · {refreshes ? "refreshes itself" : "does not refresh itself"} ·
              {" "}
              <a href={addressOf(model, model.page, !refreshes)} id="toggle">
                {refreshes ? "Hold still" : "Refresh again"}
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
            What each field means: <code>docs/status-page.md</code>. The same as JSON:{" "}
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
  const { nowMs, silent, workers, servers, transfers, underWay, refreshes } = model;
  return (
    <main
      class="wrap"
      id="live"
      tabindex={-1}
      data-now={nowMs}
      data-refresh={refreshes ? "on" : "off"}
    >
      <Tiles model={model} />
      {silent > 0 && (
        <p class="notice bad">
          {counted(silent, "worker")} did not answer in time: the numbers are without{" "}
          {silent === 1 ? "it" : "them"}. See <code>docs/troubleshooting.md</code>.
        </p>
      )}
      <h2 id="servers">Servers</h2>
      {servers.length === 0
        ? (
          <p class="panel empty">
            {all === 0
              ? "No server is configured. See docs/configuration.md, Servers."
              : "No server's name contains this."}
          </p>
        )
        : <Servers model={model} />}
      <Pages model={model} />
      <h2 id="transfers">Transfers in progress</h2>
      {transfers.length === 0
        ? <p class="panel empty">None.</p>
        : <Transfers transfers={transfers} nowMs={nowMs} />}
      {underWay > transfers.length && (
        <p class="muted small after">
          Those that have taken longest; {underWay - transfers.length} more are under way.
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
          <Sparkline values={fullSlots(total.requests)} label={requestsLabel(total)} />
        </dd>
      </div>
      <div>
        <dt>Time to answer, on average</dt>
        <dd class="big">{latency(total)}</dd>
        <dd>
          <Sparkline values={latencies(total)} label={latencyLabel(total)} />
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

function Servers({ model: { servers, nowMs, formSeal } }: { readonly model: StatusPageModel }) {
  return (
    <div class="panel">
      <table role="table" aria-labelledby="servers">
        <thead role="rowgroup">
          <tr role="row">
            {["Server", "Health", "Credential", "Breakers", "Requests", "Time to answer", "Actions"]
              .map((title) => <th key={title} role="columnheader" scope="col">{title}</th>)}
          </tr>
        </thead>
        {servers.map((server) => (
          <ServerRows key={server.name} server={server} nowMs={nowMs} formSeal={formSeal} />
        ))}
      </table>
    </div>
  );
}

interface ServerRowsProps {
  readonly server: ShownServer;
  readonly nowMs: number;
  readonly formSeal: string;
}

function ServerRows({ server, nowMs, formSeal }: ServerRowsProps) {
  const { name, url, kind, health, state } = server;
  const { window, verdict, lastError, inFlight, queued } = state;
  const [tone, sign, word] = HEALTH[health];
  return (
    <tbody role="rowgroup">
      <tr role="row">
        <th role="rowheader" scope="row">
          <div class="name">{name}</div>
          <div class="url small muted">{url}</div>
        </th>
        <td role="cell" data-label="Health">
          <span class={`badge ${tone}`}>
            <span aria-hidden="true">{sign}</span> {word}
          </span>
          <div class="small muted">{verdictText(verdict, nowMs)}</div>
        </td>
        <td role="cell" data-label="Credential">
          {CREDENTIALS[kind] ?? kind}
          <div class="small muted">
            <Expiry kind={kind} state={state} nowMs={nowMs} />
          </div>
        </td>
        <td role="cell" data-label="Breakers" class="small breakers">
          <Breaker of="Token" state={state.tokenBreaker} />
          <Breaker of="Store" state={state.storeBreaker} />
        </td>
        <td role="cell" data-label="Requests" class="num">
          {perMinute(window)}/min <span class="small muted">{underWayText(inFlight, queued)}</span>
          <Sparkline values={fullSlots(window.requests)} label={requestsLabel(window)} />
        </td>
        <td role="cell" data-label="Time to answer" class="num">
          {latency(window)}
          <Sparkline values={latencies(window)} label={latencyLabel(window)} />
        </td>
        <td role="cell" class="actions">
          <form method="post" action="./">
            <input type="hidden" name="seal" value={formSeal} />
            <input type="hidden" name="server" value={name} />
            <button type="submit" name="do" value="test" id={`test-${name}`}>
              Test<span class="hidden">the connection of {name}</span>
            </button>
            {state.hasToken && hasLifetime(kind) && (
              <button type="submit" name="do" value="drop" id={`drop-${name}`}>
                Drop token<span class="hidden">of {name}</span>
              </button>
            )}
          </form>
        </td>
      </tr>
      {verdict?.status !== undefined && HINTS[health] !== undefined && (
        <tr role="row" class="trouble">
          <td role="cell" colspan={7}>
            <p class={`hint ${tone}`}>
              The store answered {verdict.status}: {HINTS[health]} Read on:{" "}
              <code>docs/troubleshooting.md</code>
            </p>
          </td>
        </tr>
      )}
      {lastError && (
        <tr role="row" class="trouble">
          <td role="cell" colspan={7}>
            <Trouble
              name={name}
              error={lastError}
              isNow={health === "failing" && verdict?.status === undefined}
              nowMs={nowMs}
            />
          </td>
        </tr>
      )}
    </tbody>
  );
}

interface TroubleProps {
  readonly name: string;
  readonly error: ToldError;
  /** Whether it is what is wrong now. */
  readonly isNow: boolean;
  readonly nowMs: number;
}

function Trouble({ name, error, isNow, nowMs }: TroubleProps) {
  const { code, message, troubleshooting, atMs } = error;
  return (
    <details id={`error-${name}`} class={isNow ? "bad" : ""} open={isNow}>
      <summary>
        <strong>{code}</strong> {catalogue[code].title} · {ago(atMs, nowMs)}
        {!isNow && " (last error)"}
      </summary>
      <p>{message}.</p>
      <ul>
        {troubleshooting.map((step) => <li key={step}>{step}</li>)}
      </ul>
      <p class="small">
        Read on: <code>docs/error-codes.md</code>, {code}
      </p>
    </details>
  );
}

interface TransfersProps {
  readonly transfers: readonly ToldTransfer[];
  readonly nowMs: number;
}

function Transfers({ transfers, nowMs }: TransfersProps) {
  return (
    <div class="panel">
      <table role="table" class="transfers" aria-labelledby="transfers">
        <thead role="rowgroup">
          <tr role="row">
            {["Server", "What", "State", "For", "Size"].map((title) => (
              <th key={title} role="columnheader" scope="col">{title}</th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {transfers.map((transfer) => (
            <tr role="row">
              <th role="rowheader" scope="row" class="name">{transfer.server}</th>
              <td role="cell" data-label="What">
                {transfer.transaction.replaceAll("-", " ")}{" "}
                <span class="muted small">{transfer.method}</span>
              </td>
              <td role="cell" data-label="State">
                {transfer.isAnswering ? "answer on its way" : "waits for the store"}
              </td>
              <td role="cell" data-label="For" class="num">
                {span(Math.max(0, nowMs - transfer.startedMs) / 1000)}
              </td>
              <td role="cell" data-label="Size" class="num">{sizeText(transfer, nowMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Pages({ model }: { readonly model: StatusPageModel }) {
  const { page, pages } = model;
  if (pages < 2) return null;
  return (
    <nav class="pages" aria-label="Pages of servers">
      {page > 1 && <a id="back" href={addressOf(model, page - 1, model.refreshes)}>Back</a>}
      <span class="muted">Page {page} of {pages}, what fails first</span>
      {page < pages && <a id="on" href={addressOf(model, page + 1, model.refreshes)}>On</a>}
    </nav>
  );
}

function NoticeLine({ notice: { did, server, outcome, tookMs } }: { readonly notice: Notice }) {
  if (outcome === "done") {
    return (
      <p class="notice ok">
        ✓ The token of {server} is dropped. The next request fetches a new one.
      </p>
    );
  }
  if (outcome === "stale") {
    return (
      <p class="notice bad">
        ✕ Nothing was done: the page was too old, or of another gateway. Press the button again.
      </p>
    );
  }
  if (typeof outcome === "number") {
    const isGood = outcome < 400;
    return (
      <p class={`notice ${isGood ? "ok" : "bad"}`}>
        {isGood ? "✓" : "✕"} Test of {server}: a credential was had and the store answered {outcome}
        {" "}
        in {tookMs} ms.
        {!isGood && " See docs/troubleshooting.md."}
      </p>
    );
  }
  return (
    <p class="notice bad">
      ✕ {did === "test" ? "Test of" : "Dropping the token of"} {server}: {outcome},{" "}
      {catalogue[outcome].title}. What to do stands with the server, and in{" "}
      <code>docs/error-codes.md</code>.
    </p>
  );
}

function Expiry(
  { kind, state: { hasToken, expiresAtMs }, nowMs }: {
    readonly kind: string;
    readonly state: ServerState;
    readonly nowMs: number;
  },
) {
  if (!hasLifetime(kind)) {
    return <>{kind === "none" ? "requests go unsigned" : "does not expire"}</>;
  }
  if (!hasToken) return <>no token at hand</>;
  if (expiresAtMs === undefined) return <>expiry not known</>;
  const left = Math.round((expiresAtMs - nowMs) / 1000);
  return (
    <time datetime={iso(expiresAtMs)} data-until={expiresAtMs} class="num">
      {left > 0 ? `expires in ${span(left)}` : "expired"}
    </time>
  );
}

function Breaker({ of, state }: { readonly of: string; readonly state: BreakerState }) {
  const [tone, word] = BREAKER[state] ?? ["idle", "unknown"];
  return (
    <div>
      {of}: {state === 0 ? word : <span class={`badge ${tone}`}>{word}</span>}
    </div>
  );
}

function Sparkline(
  { values, label }: { readonly values: readonly number[]; readonly label: string },
) {
  const most = Math.max(...values, 1e-9);
  const y = (value: number) => (20 - 18 * value / most).toFixed(1);
  const points = values.map((value, i) =>
    `${(i * 100 / (values.length - 1)).toFixed(1)},${y(value)}`
  )
    .join(" ");
  return (
    <svg role="img" aria-label={label} viewBox="0 0 100 22" preserveAspectRatio="none">
      <polygon class="area" points={`0,21 ${points} 100,21`} />
      <polyline class="line" points={points} />
    </svg>
  );
}

function headlineOf(counts: Readonly<Record<Health, number>>): [tone: string, text: string] {
  const { failing, recovering, refusing, unused, working } = counts;
  const all = failing + recovering + refusing + unused + working;
  if (all === 0) return ["", "No servers yet"];
  if (failing > 0) {
    return ["bad", `${failing} of ${counted(all, "server")} ${failing === 1 ? "fails" : "fail"}`];
  }
  const shaky = recovering + refusing;
  if (shaky > 0) {
    return [
      "warn",
      `${shaky} of ${counted(all, "server")} ${shaky === 1 ? "needs" : "need"} a look`,
    ];
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

/** Whether a way of signing has a token that expires and can be dropped. */
function hasLifetime(kind: string): boolean {
  return !["none", "basic", "headers", "static_token"].includes(kind);
}

function verdictText(verdict: ServerState["verdict"], nowMs: number): string {
  if (verdict === undefined) return "";
  const { status, atMs } = verdict;
  return `${status === undefined ? "no answer" : `answered ${status}`}, ${ago(atMs, nowMs)}`;
}

function underWayText(inFlight: number, queued: number): string {
  if (inFlight + queued === 0) return "";
  return `${inFlight} now${queued > 0 ? `, ${queued} waiting` : ""}`;
}

/** Bytes, and where they are counted how many a second on average. */
function sizeText(
  { requestBytes, answerBytes, isAnswering, fromClient, fromStore, startedMs }: ToldTransfer,
  nowMs: number,
): string {
  const passed = isAnswering ? fromStore : fromClient;
  if (passed !== undefined) {
    const whole = isAnswering ? answerBytes : requestBytes;
    const rate = passed / Math.max(1, (nowMs - startedMs) / 1000);
    return `${bytes(passed)}${whole === undefined ? "" : ` of ${bytes(whole)}`}, ${bytes(rate)}/s`;
  }
  const sent = requestBytes === 0
    ? []
    : [requestBytes === undefined ? "size not told, sent" : `${bytes(requestBytes)} to send`];
  const got = isAnswering
    ? [answerBytes === undefined ? "size not told" : `${bytes(answerBytes)} to get`]
    : [];
  return [...sent, ...got].join(", ") || "–";
}

function perMinute({ requests }: Window): string {
  const rate = sum(requests) / WINDOW_MINUTES;
  return rate >= 10 || rate === 0 ? rate.toFixed(0) : rate.toFixed(1);
}

function latency({ requests, totalMs }: Window): string {
  const count = sum(requests);
  return count === 0 ? "–" : duration(sum(totalMs) / count);
}

function latencies({ requests, totalMs }: Window): number[] {
  return requests.map((count, i) => count === 0 ? 0 : (totalMs[i] ?? 0) / count);
}

/** The newest slot still fills: it would look like a fall. */
function fullSlots(values: readonly number[]): readonly number[] {
  return values.slice(0, -1);
}

function requestsLabel(window: Window): string {
  const most = Math.max(...window.requests) * 60_000 / SLOT_MS;
  return `Requests a minute in the last ${WINDOW_MINUTES} minutes: ${
    perMinute(window)
  } on average, ` +
    `${most} at most`;
}

function latencyLabel(window: Window): string {
  return `Time to answer in the last ${WINDOW_MINUTES} minutes: ${latency(window)} on average, ` +
    `${duration(Math.max(...latencies(window)))} at most`;
}

function dataRate({ bytes: told }: Window): string {
  const rate = sum(told) / (WINDOW_MINUTES * 60);
  return rate === 0 ? "" : ` · ${bytes(rate)}/s`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function duration(ms: number): string {
  if (ms < 1) return ms === 0 ? "0 ms" : "under 1 ms";
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value >= 10 || unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** As the script does it. */
function span(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor(s % 86_400 / 3600)} h`;
}

function ago(atMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - atMs) / 1000));
  return seconds < 2 ? "just now" : `${span(seconds)} ago`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function iso(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : "";
}
