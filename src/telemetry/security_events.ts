/**
 * Failures that are security events: they are logged in the category `security`, with the names that the
 * plugin's log gives them in `event_type`.
 */
import type { ErrorCode } from "../errors/catalogue.ts";
import { GatewayError } from "../errors/gateway_error.ts";

/** TOK-004 is logged once for each invalid token, where that is found, not for each failed request. */
const EVENT_TYPES: Partial<Record<ErrorCode, string>> = {
  // The identity provider rejected the gateway.
  "AUTH-001": "auth_failure",
  "AUTH-002": "auth_failure",
  // The gateway rejected a client.
  "AUTH-005": "auth_failure",
  "AUTH-006": "auth_failure",
  "AUTH-004": "unauthorized_access",
  "AUTH-007": "unauthorized_access",
  "AUTH-008": "unauthorized_access",
  "NET-003": "ssl_verification_failure",
  "NET-012": "rate_limit_exceeded",
};

/** The `event_type` of an error; undefined if it is no security event. */
export function securityEventType(error: unknown): string | undefined {
  return error instanceof GatewayError ? EVENT_TYPES[error.code] : undefined;
}
