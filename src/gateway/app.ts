/**
 * The gateway as one Hono app: what happens to a request, in order.
 *
 * @module
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

/** The collaborators of the gateway. */
export interface GatewayOptions
  extends
    RevocationOptions,
    Pick<PageParts, "stores" | "version" | "checkReadiness" | "metricsText"> {
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** The URL at which clients reach the gateway. */
  readonly address: PublicAddress;
  /** The web pages that may use the gateway from a browser. */
  readonly cors?: CorsConfig | undefined;
  /** Finds out who clients are; without it nobody is asked. */
  readonly authenticator?: Pick<Authenticator, "identify"> | undefined;
  /** Finds out where clients are. */
  readonly clientAddress: ClientAddress;
  /** Decides who may do what; everyone everything unless given. */
  readonly access?: AccessRules | undefined;
  /** How many requests clients may send; any number unless given. */
  readonly rateLimit?: RateLimitOptions | undefined;
  /** Records who did what; nothing does unless given. */
  readonly audit?: AuditOptions | undefined;
  /** The host names by which a gateway that asks nobody may be called; any unless given. */
  readonly knownHosts?: ReadonlySet<string> | undefined;
  /** The public keys to publish. */
  readonly publicKeys?: PageParts["publicKeys"] | undefined;
  /** Keeps account of this worker's traffic; one of its own unless given. */
  readonly activity?: Activity;
  /** Revokes tokens, and knows when other workers did; one of its own unless given. */
  readonly revocation?: TokenRevocation;
  /** What all workers tell of themselves; this one alone unless given. */
  readonly states?: () => Promise<WorkerReports>;
  /** The key of the forms of the status page, shared by all workers; one of its own unless given. */
  readonly formKey?: string;
}

/**
 * Puts the gateway together.
 *
 * @returns The app; its `fetch` takes a request and an object with `completed`.
 */
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
    states: [await workerState(stores, activity, metrics)],
    silent: 0,
  });
  const parts: PageParts = {
    ...options,
    activity,
    revocation: options.revocation ?? new TokenRevocation(options),
    seal: new FormSeal(options.formKey ?? crypto.randomUUID(), now),
    states: options.states ?? ownState,
    publicKeys: options.publicKeys ?? [],
  };
  const forwarding = { stores, address, activity, access: options.access };
  // By the destination and not by a router of its own, which could read the path in another way.
  app.all("*", (c) => {
    const destination = c.get("destination");
    return destination.kind === "store"
      ? forwardToStore(c, destination, forwarding)
      : answerPage(c, destination, parts);
  });
  app.onError((thrown, c) => c.get("account").fail(thrown));
  return app;
}

/** The methods that DICOMweb, the stores' own APIs and the management API use. */
const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Refuses other methods before anything is counted: a metric's labels come from bounded sets. */
function refuseUnknownMethods(): MiddlewareHandler<GatewayEnv> {
  return function refuseUnknownMethod(c, next) {
    if (METHODS.includes(c.req.method)) return next();
    const error = new GatewayError("NET-007", "Method not allowed");
    const response = problemResponse(error, c.get("requestId"));
    response.headers.set("allow", METHODS.join(", "));
    return Promise.resolve(response);
  };
}
