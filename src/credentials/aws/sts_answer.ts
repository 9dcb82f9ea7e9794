/**
 * Judges what the Security Token Service answered: temporary keys, or the failure it stands for. Its
 * answers are XML of two levels and few kinds; only texts of single elements are taken from them.
 *
 * @module
 */
import { cannotFetch, type ProviderAnswer } from "../provider_exchange.ts";
import type { Token } from "../token.ts";
import { keysToken, readKeys } from "./access_keys.ts";
import { refusalError } from "./refusal.ts";

/** What the service is called in messages. */
export const STS = "AWS Security Token Service";

/** What judging needs to know besides the answer. */
export interface StsAnswerContext {
  /** Name of the configured server. */
  readonly server: string;
  readonly endpoint: string;
  /** When the request was sent, in milliseconds since the epoch by the gateway's clock. */
  readonly issuedAtMs: number;
  /** What no message may repeat. */
  readonly secrets: readonly string[];
}

/**
 * Judges an answer.
 *
 * @throws {GatewayError} As `refusalError`; NET-004 for a redirect, TOK-005 for an answer without keys.
 */
export function explainStsAnswer(answer: ProviderAnswer, context: StsAnswerContext): Token {
  const { server, issuedAtMs } = context;
  const { status, body } = answer;
  if (status >= 300 && status < 400) {
    throw cannotFetch("NET-004", server, `${STS} answered ${status}, a redirect`);
  }
  if (status !== 200) {
    const refusal = {
      status,
      error: elementText(body, "Code"),
      description: elementText(body, "Message"),
    };
    throw refusalError(refusal, { ...context, service: STS });
  }
  const expiration = elementText(body, "Expiration");
  const keys = readKeys({
    AccessKeyId: elementText(body, "AccessKeyId"),
    SecretAccessKey: elementText(body, "SecretAccessKey"),
    SessionToken: elementText(body, "SessionToken"),
  });
  if (keys?.sessionToken === undefined || Number.isNaN(Date.parse(expiration ?? ""))) {
    throw cannotFetch("TOK-005", server, `the answer of the ${STS} contains no usable keys`);
  }
  const awsNowMs = Date.parse(answer.headers.get("date") ?? "");
  return keysToken(keys, {
    issuedAtMs,
    awsNowMs: Number.isNaN(awsNowMs) ? issuedAtMs : awsNowMs,
    expiration,
  });
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** @returns The text of the first element of this name, where it holds nothing but text. */
function elementText(xml: string, name: string): string | undefined {
  const [, ...rests] = xml.split(`<${name}>`);
  const rest = rests.find((rest) => rest.startsWith(`</${name}>`, rest.indexOf("<")));
  return rest?.slice(0, rest.indexOf("<")).trim().replace(
    /&(?:#x([0-9a-f]{1,5})|#(\d{1,6})|(\w+));/gi,
    (entity, hex?: string, decimal?: string, named?: string) => {
      if (named !== undefined) return ENTITIES[named] ?? entity;
      return String.fromCodePoint(hex === undefined ? Number(decimal) : parseInt(hex, 16));
    },
  );
}
