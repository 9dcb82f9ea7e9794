/**
 * The gateway as one Hono app: what happens to a request, in order.
 */
import { Hono, type MiddlewareHandler } from "hono";
import type { CorsConfig } from "../config/keys/cors.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { AccessRules } from "./steps/access_rules.ts";
import { accountRequests, refuseUnrecordable } from "./account/account_requests.ts";
import type { AuditOptions } from "./account/audit_record.ts";
import { Activity } from "./account/activity.ts";
import { answerPage } from "./pages/answer_page.ts";
import { authenticate } from "./steps/authenticate.ts";
import type { Authenticator } from "./steps/authenticator.ts";
import type { ClientAddress } from "./client_address.ts";
import { allowBrowsers, refuseForeignWebSockets } from "./steps/cors.ts";
import { closeAfterAmbiguousFraming } from "./steps/close_ambiguous.ts";
import { delayRefusals } from "./steps/delay_refusals.ts";
import { setDestination } from "./destination.ts";
import { refuseCrossSite } from "./steps/csrf.ts";
import { FormSeal } from "./pages/form_seal.ts";
import { forwardToStore } from "./forward_to_store.ts";
import type { GatewayEnv, PageParts } from "./gateway_env.ts";
import { type WorkerReports, workerState } from "./account/gateway_state.ts";
import { refuseForeignHosts } from "./steps/dns_rebinding.ts";
import { identifyRequests } from "./steps/request_id.ts";
import { limitRate, type RateLimitOptions } from "./steps/limit_rate.ts";
import { permitPages } from "./steps/permit_pages.ts";
import type { PublicAddress } from "./public_address.ts";
import { problemResponse } from "./problem.ts";
import { type RevocationOptions, TokenRevocation } from "./pages/token_revocation.ts";

export interface GatewayOptions
  extends
    RevocationOptions,
    Pick<PageParts, "stores" | "version" | "checkReadiness" | "metricsText"> {
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Receives security events. */
  readonly security: Logger;
  /** The URL at which clients reach the gateway. */
  readonly address: PublicAddress;
  /** The web pages that may use the gateway from a browser. */
  readonly cors?: CorsConfig | undefined;
  /** Clients are not authenticated unless given. */
  readonly authenticator?: Pick<Authenticator, "identify"> | undefined;
  readonly clientAddress: ClientAddress;
  /** Everything is permitted unless given. */
  readonly access?: AccessRules | undefined;
  /** Unlimited unless given. */
  readonly rateLimit?: RateLimitOptions | undefined;
  /** No audit trail unless given. */
  readonly audit?: AuditOptions | undefined;
  /** Accepted `Host` values without authentication; any unless given. */
  readonly knownHosts?: ReadonlySet<string> | undefined;
  readonly publicKeys?: PageParts["publicKeys"] | undefined;
  /** No documentation unless given. */
  readonly document?: PageParts["document"];
  readonly activity?: Activity;
  readonly revocation?: TokenRevocation;
  /** The states of all workers; of this one unless given. */
  readonly states?: () => Promise<WorkerReports>;
  /** Key of the status page's forms, shared by all workers; random unless given. */
  readonly formKey?: string;
}

/** @returns The app; its `fetch` takes a request and `Deno.ServeHandlerInfo`. */
export function createApp(options: GatewayOptions): Hono<GatewayEnv> {
  const { stores, address, now, metrics, activity = new Activity(now) } = options;
  const app = new Hono<GatewayEnv>();
  app.use(setDestination());
  app.use(closeAfterAmbiguousFraming());
  app.use(delayRefusals());
  app.use(identifyRequests());
  app.use(refuseUnknownMethods());
  app.use(accountRequests({ ...options, activity }));
  if (options.audit !== undefined) app.use(refuseUnrecordable());
  if (options.authenticator === undefined && options.knownHosts !== undefined) {
    app.use(refuseForeignHosts(options.knownHosts));
  }
  app.use(refuseCrossSite(options.cors));
  app.use(refuseForeignWebSockets(options.cors));
  if (options.cors !== undefined) app.use(allowBrowsers(options.cors));
  if (options.authenticator !== undefined) {
    app.use(authenticate(options.authenticator, options.clientAddress));
  }
  if (options.rateLimit !== undefined) app.use(limitRate(options.rateLimit));
  if (options.access !== undefined) app.use(permitPages(options.access));
  const ownState = async () => ({
    states: [await workerState({ stores, activity, metrics })],
    silent: 0,
    faults: [],
  });
  const parts: PageParts = {
    ...options,
    activity,
    revocation: options.revocation ?? new TokenRevocation(options),
    seal: new FormSeal(options.formKey ?? crypto.randomUUID(), now),
    states: options.states ?? ownState,
    publicKeys: options.publicKeys ?? [],
    document: options.document ?? (() => Promise.resolve(undefined)),
  };
  const forwarding = { stores, address, activity, access: options.access };
  // By the destination, not by Hono's router, which could read the path differently.
  app.all("*", (c) => {
    const destination = c.get("destination");
    return destination.kind === "store"
      ? forwardToStore(c, destination, forwarding)
      : answerPage(c, destination, parts);
  });
  app.onError((thrown, c) => c.get("account").fail(thrown));
  return app;
}

/** Methods of DICOMweb, the stores' own APIs and the management API. */
const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Before anything is counted: metric labels come from bounded sets. */
function refuseUnknownMethods(): MiddlewareHandler<GatewayEnv> {
  return function refuseUnknownMethod(c, next) {
    if (METHODS.includes(c.req.method)) return next();
    const error = new GatewayError("NET-007", "Method not allowed");
    const response = problemResponse(error, c.get("requestId"));
    response.headers.set("allow", METHODS.join(", "));
    return Promise.resolve(response);
  };
}
