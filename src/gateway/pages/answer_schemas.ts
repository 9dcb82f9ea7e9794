/**
 * The schemas of the gateway's own JSON responses, for the OpenAPI document.
 */
import { z } from "zod";
import { DISTANCES, PROFILE_NAMES } from "../../dicomweb/profile/profile.ts";
import { FAULT_KINDS } from "../../telemetry/faults.ts";
import { HEALTHS } from "./server_health.ts";

const iso = z.iso.datetime();

const expiry = {
  token_expires_at: iso.optional(),
  token_expires_in_seconds: z.number().optional(),
};

/** The plugin's envelope around a response of the management API. */
function envelope<Data extends z.ZodType>(data: Data) {
  return z.strictObject({
    plugin_version: z.string().describe("Version of the gateway"),
    api_version: z.string(),
    timestamp: iso,
    data,
  });
}

const outcome = {
  at: iso,
  store_status: z.int().nullable(),
  error: z.strictObject({
    error_code: z.string(),
    message: z.string(),
    troubleshooting: z.array(z.string()),
  }).nullable(),
};

const failedUpload = z.strictObject({
  ...outcome,
  sent: z.int().nullable(),
  stored: z.int().nullable(),
  failed: z.int().nullable(),
  failure_reasons: z.array(z.string()).describe(
    "Values of Failure Reason (0008,1197), hexadecimal",
  ),
});

/** All schemas, by their names in the document. */
export const answerSchemas = {
  Status: envelope(z.strictObject({
    status: z.enum(["healthy", "degraded"]).describe("degraded: the gateway has faults of its own"),
    ready: z.boolean().describe("Whether GET /readyz answers 200"),
    token_managers: z.int(),
    servers_configured: z.int(),
    faults: z.array(z.strictObject({
      kind: z.enum(FAULT_KINDS),
      since: iso,
      title: z.string(),
      reason: z.string(),
      effect: z.string(),
      stops: z.enum(["requests", "readiness"]).nullable().describe(
        "What the fault stops: requests are rejected, or GET /readyz answers 503",
      ),
      remedy: z.string(),
    })).describe("The gateway's own faults, the worst first; those of servers are in /servers"),
  })),
  Servers: envelope(z.strictObject({
    servers: z.array(z.strictObject({
      name: z.string(),
      url: z.url(),
      health: z.enum(HEALTHS).nullable().describe(
        "Health of the server, as on the status page; null if no worker answers",
      ),
      profile: z.enum(PROFILE_NAMES),
      distance: z.enum(DISTANCES),
      distance_rules: z.record(z.string(), z.union([z.number(), z.boolean()])).describe(
        "The rules that the distance sets, with the values in force; none if near",
      ),
      credentials: z.string().describe("The credential scheme"),
      token_endpoint: z.url().nullable(),
      has_cached_token: z.boolean(),
      token_valid: z.boolean(),
      ...expiry,
      last_request: z.strictObject(outcome).nullable(),
      failed_upload: failedUpload.nullable().describe(
        "The last upload, if it failed; null again once an upload succeeds",
      ),
    })),
  })),
  Test: envelope(z.strictObject({
    server: z.string(),
    status: z.literal("success"),
    token_acquired: z.boolean(),
    has_token: z.boolean(),
    ...expiry,
  })),
  Revocation: envelope(z.strictObject({
    server: z.string(),
    status: z.literal("success"),
    has_token: z.boolean(),
  })),
  Health: z.strictObject({ status: z.literal("ok") }),
  Readiness: z.strictObject({ status: z.literal("ready") }),
  Keys: z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }),
  Problem: z.strictObject({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    error_code: z.string().regex(/^(?:CFG|TOK|NET|AUTH|INT)-\d{3}$/),
    category: z.string(),
    severity: z.string(),
    message: z.string(),
    troubleshooting: z.array(z.string()),
    request_id: z.string(),
  }).describe("Error response of the gateway itself (RFC 9457)"),
} as const;
