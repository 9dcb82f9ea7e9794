/**
 * Judges what the metadata services of AWS answered: the keys of an instance's or a container's role
 * as JSON, or the failure it stands for.
 *
 * @module
 */
import { cannotFetch, type ProviderAnswer } from "../provider_exchange.ts";
import type { Advice } from "../advice.ts";
import type { Token } from "../token.ts";
import { keysToken, readKeys } from "./access_keys.ts";
import { refusalError } from "./refusal.ts";

/** What judging needs to know besides the answer. */
export interface MetadataAnswerContext {
  /** Name of the configured server. */
  readonly server: string;
  /** What the service is called, for messages. */
  readonly service: string;
  readonly endpoint: string;
  /** When the request was sent, in milliseconds since the epoch by the gateway's clock. */
  readonly issuedAtMs: number;
  /** What no message may repeat. */
  readonly secrets: readonly string[];
  /** The service's remedies, by status. */
  readonly adviceByStatus: Readonly<Record<number, Advice>>;
}

/**
 * Judges an answer that should hold keys.
 *
 * @throws {GatewayError} As `checkMetadataAnswer`; TOK-001 for a failure told with status 200, TOK-005
 * for an answer without keys.
 */
export function explainMetadataKeys(answer: ProviderAnswer, context: MetadataAnswerContext): Token {
  checkMetadataAnswer(answer, context);
  const { server, service, issuedAtMs } = context;
  const json = jsonObject(answer.body);
  const { Code: code = "Success", Expiration: expiration } = json;
  if (code !== "Success") {
    throw refusalError({
      status: answer.status,
      error: String(code),
      description: text(json["Message"]),
    }, { ...context, advice: context.adviceByStatus[404] });
  }
  const keys = readKeys(json);
  if (keys === undefined) {
    throw cannotFetch("TOK-005", server, `the answer of the ${service} contains no usable keys`);
  }
  const awsNowMs = Date.parse(answer.headers.get("date") ?? "");
  return keysToken(keys, {
    issuedAtMs,
    awsNowMs: Number.isNaN(awsNowMs) ? issuedAtMs : awsNowMs,
    expiration: text(expiration),
  });
}

/**
 * Lets through what is no refusal.
 *
 * @throws {GatewayError} NET-004 for a redirect; as `refusalError` for any status but 200.
 */
export function checkMetadataAnswer(answer: ProviderAnswer, context: MetadataAnswerContext): void {
  const { status, body } = answer;
  if (status === 200) return;
  if (status >= 300 && status < 400) {
    throw cannotFetch(
      "NET-004",
      context.server,
      `${context.service} answered ${status}, a redirect`,
    );
  }
  const json = jsonObject(body);
  throw refusalError({
    status,
    error: text(json["code"] ?? json["Code"]),
    description: text(json["message"] ?? json["Message"]),
  }, { ...context, advice: context.adviceByStatus[status] });
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function jsonObject(body: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === "object" && json !== null ? json as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
