/**
 * Converts what AWS refuses to errors of the catalogue, with AWS's own advice.
 */
import type { ErrorCode } from "../../errors/catalogue.ts";
import type { GatewayError } from "../../errors/gateway_error.ts";
import { cannotFetch, isTransient, type ProviderAnswer } from "../provider_exchange.ts";
import { redirectError } from "../provider_redirect.ts";
import { findAdvice } from "../provider_advice.ts";
import { quoteRefusal } from "../provider_text.ts";
import type { Advice, ProviderRefusal } from "../advice.ts";

/** A refusal; `error` is AWS's error code, such as `AccessDenied`. */
export type AwsRefusal = Pick<ProviderRefusal, "status" | "error" | "description">;

/** The request that was refused. */
export interface AwsRequestContext {
  /** Name of the configured server. */
  readonly server: string;
  /** The service that was asked, for messages. */
  readonly service: string;
  readonly endpoint: string;
  /** What no message may repeat. */
  readonly secrets: readonly string[];
}

/** Error codes of temporary failures. */
const TRANSIENT =
  /^(?:Throttling|ThrottledRequest|RequestThrottled|RequestLimitExceeded|ServiceUnavailable|InternalFailure|InternalError|InternalServerError|TooManyRequests)$/;

/**
 * The error of a refusal; NET-004 of a redirect.
 *
 * @param found The advice, if it is not to be found by the error code.
 */
export function refusalError(
  refusal: AwsRefusal & Pick<ProviderAnswer, "headers">,
  { server, service, endpoint, secrets }: AwsRequestContext,
  found?: Pick<Advice, "code" | "steps">,
): GatewayError {
  const { status, description } = refusal;
  if (status >= 300 && status < 400) {
    const state = `${service} answered ${status}`;
    return redirectError(refusal, { server, state, url: endpoint, secrets });
  }
  const error = plainCode(refusal.error);
  const advice = found ?? findAdvice({ endpoint, provider: "aws", status, error, description });
  const said = quoteRefusal({ error, description }, secrets);
  return cannotFetch(
    advice?.code ?? codeOf(status, error),
    server,
    `${service} answered ${status}${said}`,
    { ...(advice && { troubleshooting: advice.steps }) },
  );
}

/**
 * An error code of AWS without what differs between its services: a namespace (`aws.protocol#Name`), a
 * URL (`Name:http://…`) and `Exception` at the end. `undefined` if it is no error code.
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

function codeOf(status: number, error: string | undefined): ErrorCode {
  if (isTransient({ status })) return "AUTH-003";
  if (error !== undefined && TRANSIENT.test(error)) return "AUTH-003";
  return status === 401 ? "AUTH-001" : "TOK-001";
}
