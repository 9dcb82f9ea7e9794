/**
 * Turns what AWS refuses into failures of the catalogue, with AWS's own remedies.
 *
 * @module
 */
import type { ErrorCode } from "../../errors/catalogue.ts";
import type { GatewayError } from "../../errors/gateway_error.ts";
import { cannotFetch } from "../provider_exchange.ts";
import { findAdvice } from "../provider_advice.ts";
import { quoteProvider } from "../provider_text.ts";
import type { Advice } from "../advice.ts";

/** A refusal, read. */
export interface AwsRefusal {
  readonly status: number;
  /** AWS's error code, such as `AccessDenied`. */
  readonly error?: string | undefined;
  /** What it said besides. */
  readonly description?: string | undefined;
}

/** What else is known of it. */
export interface AwsRefusalContext {
  /** Name of the configured server. */
  readonly server: string;
  /** Who refused, for messages. */
  readonly service: string;
  readonly endpoint: string;
  /** What no message may repeat. */
  readonly secrets: readonly string[];
  /** The remedy, where it is not found by the error code. */
  readonly advice?: Advice | undefined;
}

/** Codes that heal by themselves. */
const TRANSIENT =
  /^(?:Throttling|ThrottledRequest|RequestThrottled|RequestLimitExceeded|ServiceUnavailable|InternalFailure|InternalError|InternalServerError|TooManyRequests)$/;

/**
 * Makes the failure that a refusal stands for.
 *
 * @param context What else is known of it.
 */
export function refusalError(refusal: AwsRefusal, context: AwsRefusalContext): GatewayError {
  const { server, service, endpoint, secrets } = context;
  const { status, description } = refusal;
  const error = plainCode(refusal.error);
  const advice = context.advice ??
    findAdvice({ endpoint, provider: "aws", status, error, description });
  const said = [
    error === undefined ? "" : ` ${quoteProvider(error, 64, secrets)}`,
    description === undefined ? "" : ` (${quoteProvider(description, 300, secrets)})`,
  ].join("");
  return cannotFetch(
    codeOf(status, error, advice),
    server,
    `${service} answered ${status}${said}`,
    {
      ...(advice && { troubleshooting: advice.steps }),
    },
  );
}

/**
 * An error code of AWS without what differs between its services.
 *
 * @param code The code, perhaps with a namespace before it (`aws.protocol#Name`) or a URL after it
 * (`Name:http://…`), and `Exception` at its end.
 * @returns The name alone, where there is one.
 *
 * @example
 * ```ts
 * import { plainCode } from "./refusal.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(plainCode("ExpiredTokenException:http://internal.amazon.com/coral/"), "ExpiredToken");
 * assert.equal(plainCode("com.amazon.coral.service#AccessDeniedException"), "AccessDenied");
 * assert.equal(plainCode("not a code"), undefined);
 * ```
 */
export function plainCode(code: string | null | undefined): string | undefined {
  const name = (code ?? "").split(":", 1)[0]!.replace(/^.*#/s, "").trim();
  if (!/^[A-Za-z][A-Za-z0-9.]{0,99}$/.test(name)) return undefined;
  return name.length > "Exception".length ? name.replace(/Exception$/, "") : name;
}

function codeOf(status: number, error: string | undefined, advice: Advice | undefined): ErrorCode {
  if (advice?.code !== undefined) return advice.code;
  if (status >= 500 || status === 429 || status === 408) return "AUTH-003";
  if (error !== undefined && TRANSIENT.test(error)) return "AUTH-003";
  return status === 401 ? "AUTH-001" : "TOK-001";
}
