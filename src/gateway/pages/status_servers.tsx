/**
 * The servers on the status page: health, credential, breakers, traffic, the last error and its remedies.
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import { distanceRules } from "../../config/keys/store_profile.ts";
import type { Profile } from "../../dicomweb/profile/profile.ts";
import { catalogue } from "../../errors/catalogue.ts";
import type { BreakerState, ServerState } from "../account/gateway_state.ts";
import { type Health, healthBy, TOO_LONG } from "./server_health.ts";
import { FailedUpload } from "./status_upload.tsx";
import { STORE_HINTS } from "./store_hints.ts";
import { ago, iso, span } from "./status_text.ts";
import { latency, LatencyLine, perMinute, RequestsLine } from "./status_traffic.tsx";
import { isFailedUpload } from "../account/activity.ts";
import { DocumentLink, ErrorCodeLink } from "./document_link.tsx";
import type { ErrorSummary } from "../account/error_summary.ts";

export interface ShownServer {
  readonly name: string;
  readonly url: string;
  readonly profile: Profile;
  /** The credential scheme, as in the configuration. */
  readonly kind: string;
  readonly health: Health;
  readonly state: ServerState;
}

const HEALTH: Readonly<Record<Health, readonly [tone: string, sign: string, word: string]>> = {
  failing: ["bad", "✕", "Failing"],
  rejecting: ["bad", "✕", "Uploads fail"],
  recovering: ["warn", "↻", "Recovering"],
  refusing: ["warn", "!", "Refused"],
  misplaced: ["warn", "?", "Not found"],
  unused: ["idle", "–", "Not used yet"],
  working: ["ok", "✓", "Working"],
};

/** Possible causes of an error response of the store itself. */
const HINTS: Readonly<Partial<Record<Health, string>>> = STORE_HINTS;

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

const BREAKER: Readonly<Record<BreakerState, readonly [tone: string, word: string]>> = {
  0: ["ok", "closed"],
  1: ["bad", "open"],
  2: ["warn", "trying"],
};

const COLUMNS = [
  "Server",
  "Health",
  "Credential",
  "Breakers",
  "Requests",
  "Response time",
  "Actions",
];

interface PageProps {
  readonly nowMs: number;
  /** Part of every form. */
  readonly formSeal: string;
}

export function Servers(
  { servers, ...page }: PageProps & { readonly servers: readonly ShownServer[] },
): JSX.Element {
  return (
    <div class="panel">
      <table role="table" aria-labelledby="servers">
        <HeaderRow titles={COLUMNS} />
        {servers.map((server) => <ServerRows key={server.name} server={server} {...page} />)}
      </table>
    </div>
  );
}

/** Its elements have explicit roles because small screens lay tables out as blocks. */
export function HeaderRow({ titles }: { readonly titles: readonly string[] }): JSX.Element {
  return (
    <thead role="rowgroup">
      <tr role="row">
        {titles.map((title) => <th key={title} role="columnheader" scope="col">{title}</th>)}
      </tr>
    </thead>
  );
}

function ServerRows({ server, nowMs, formSeal }: PageProps & { readonly server: ShownServer }) {
  const { name, url, profile, kind, health, state } = server;
  const { window, verdict, upload, lastError, inFlight, queued } = state;
  const [tone, sign, word] = HEALTH[health];
  const answered = verdict && healthBy(verdict);
  const isLong = verdict?.status !== undefined && TOO_LONG.has(verdict.status);
  const hint = isLong ? STORE_HINTS.long : answered && HINTS[answered];
  const hasFailedUpload = upload !== undefined && isFailedUpload(upload);
  return (
    <tbody role="rowgroup">
      <tr role="row">
        <th role="rowheader" scope="row">
          <div class="name">{name}</div>
          <div class="url small muted">{url}</div>
          <DistanceRules name={name} profile={profile} />
        </th>
        <td role="cell" data-label="Health">
          <span class={`badge ${tone}`}>
            <span aria-hidden="true">{sign}</span> {word}
          </span>
          <div class="small muted">{verdictText(verdict, nowMs)}</div>
          {hasFailedUpload && (
            <div class="small muted">last upload: {verdictText(upload, nowMs)}</div>
          )}
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
          <RequestsLine window={window} />
        </td>
        <td role="cell" data-label="Response time" class="num">
          {latency(window)}
          <LatencyLine window={window} />
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
                Revoke token<span class="hidden">of {name}</span>
              </button>
            )}
          </form>
        </td>
      </tr>
      {verdict?.status !== undefined && hint !== undefined && (
        <tr role="row" class="trouble">
          <td role="cell" colspan={7}>
            <p class={`hint ${HEALTH[answered!][0]}`}>
              The store answered {verdict.status}: {hint} See:{" "}
              <DocumentLink path="troubleshooting.md" />
            </p>
          </td>
        </tr>
      )}
      {hasFailedUpload && (
        <tr role="row" class="trouble">
          <td role="cell" colspan={7}>
            <FailedUpload upload={upload} nowMs={nowMs} />
          </td>
        </tr>
      )}
      {lastError && (
        <tr role="row" class="trouble">
          <td role="cell" colspan={7}>
            <Trouble
              name={name}
              error={lastError}
              isNow={health === "failing" && (verdict ?? upload)?.status === undefined}
              nowMs={nowMs}
            />
          </td>
        </tr>
      )}
    </tbody>
  );
}

/** Nothing for a near store. */
function DistanceRules({ name, profile }: { readonly name: string; readonly profile: Profile }) {
  const rules = Object.entries(distanceRules(profile));
  if (rules.length === 0) return null;
  return (
    <details id={`distance-${name}`} class="distance">
      <summary>
        <span class="badge idle">far</span>
        <span class="hidden">: rules for the distance of {name}</span>
      </summary>
      <ul class="small">
        {rules.map(([key, value]) => <li key={key}>{key} {String(value)}</li>)}
      </ul>
    </details>
  );
}

function Trouble(
  { name, error, isNow, nowMs }: {
    readonly name: string;
    readonly error: ErrorSummary;
    /** Whether the server fails with it now. */
    readonly isNow: boolean;
    readonly nowMs: number;
  },
) {
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
        See: <ErrorCodeLink code={code} />, {code}. The command <code>doctor {name}</code>{" "}
        tests the connection step by step.
      </p>
    </details>
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
  if (!hasToken) return <>no cached token</>;
  if (expiresAtMs === undefined) return <>expiry not known</>;
  const left = Math.round((expiresAtMs - nowMs) / 1000);
  return (
    <time datetime={iso(expiresAtMs)} data-until={expiresAtMs} class="num">
      {left > 0 ? `expires in ${span(left)}` : "expired"}
    </time>
  );
}

function Breaker({ of, state }: { readonly of: string; readonly state: BreakerState }) {
  const [tone, word] = BREAKER[state];
  return (
    <div>
      {of}: {state === 0 ? word : <span class={`badge ${tone}`}>{word}</span>}
    </div>
  );
}

/** Whether a credential scheme has a token that expires and can be revoked. */
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
