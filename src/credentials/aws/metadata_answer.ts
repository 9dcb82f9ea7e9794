/**
 * Interprets responses of the metadata services of AWS: the keys of an instance's or a container's role
 * as JSON, or a failure.
 */
import type { GatewayError } from "../../errors/gateway_error.ts";
import { jsonObject } from "../json_object.ts";
import { cannotFetch, type ProviderAnswer } from "../provider_exchange.ts";
import type { Token } from "../token.ts";
import { keysToken, readKeys } from "./access_keys.ts";
import { type AwsRequestContext, refusalError } from "./refusal.ts";

/** The request that was answered. */
export interface MetadataAnswerContext extends AwsRequestContext {
  /** When it was sent, in milliseconds since the epoch by the gateway's clock. */
  readonly issuedAtMs: number;
  /** What to do about AUTH-001, by the status of the response. */
  readonly adviceByStatus: Readonly<Record<number, readonly string[]>>;
}

/**
 * The keys in a response.
 *
 * @throws {GatewayError} As `checkMetadataAnswer`, also for a failure with status 200; TOK-005 without
 * keys.
 */
export function explainMetadataKeys(answer: ProviderAnswer, context: MetadataAnswerContext): Token {
  checkMetadataAnswer(answer, context);
  const { server, service, issuedAtMs } = context;
  const json = jsonObject(answer.body) ?? {};
  const { Code: code = "Success" } = json;
  if (code !== "Success") throw failure(answer, context, 404);
  const keys = readKeys(json);
  if (keys === undefined) {
    throw cannotFetch("TOK-005", server, `the answer of the ${service} contains no usable keys`, {
      troubleshooting: [
        "If aws_signing_helper serves the keys, read its log: they are empty while it cannot renew them",
      ],
    });
  }
  const date = answer.headers.get("date");
  return keysToken(keys, { issuedAtMs, date, expiration: text(json["Expiration"]) });
}

/** @throws {GatewayError} As `refusalError`, unless the status is 200. */
export function checkMetadataAnswer(answer: ProviderAnswer, context: MetadataAnswerContext): void {
  if (answer.status !== 200) throw failure(answer, context, answer.status);
}

/** @param status The status whose advice applies. */
function failure(
  answer: ProviderAnswer,
  context: MetadataAnswerContext,
  status: number,
): GatewayError {
  const { code, Code, message, Message } = jsonObject(answer.body) ?? {};
  const refusal = {
    status: answer.status,
    headers: answer.headers,
    error: text(code ?? Code),
    description: text(message ?? Message),
  };
  const steps = context.adviceByStatus[status];
  return refusalError(refusal, context, steps && { code: "AUTH-001", steps });
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
