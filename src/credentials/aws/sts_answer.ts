/**
 * Interprets responses of the Security Token Service: temporary keys, or a failure. They are XML of two
 * levels and few kinds; only the text of single elements is read.
 */
import { decodeXmlText } from "../../dicomweb/urls/xml_text.ts";
import { cannotFetch, type ProviderAnswer } from "../provider_exchange.ts";
import type { Token } from "../token.ts";
import { keysToken, readKeys } from "./access_keys.ts";
import { type AwsRequestContext, refusalError } from "./refusal.ts";

/** Name of the service in messages. */
export const STS = "AWS Security Token Service";

/** The request that was answered. */
export interface StsAnswerContext extends Omit<AwsRequestContext, "service"> {
  /** When it was sent, in milliseconds since the epoch by the gateway's clock. */
  readonly issuedAtMs: number;
}

/**
 * The keys in a response.
 *
 * @throws {GatewayError} As `refusalError`; TOK-005 without keys.
 */
export function explainStsAnswer(answer: ProviderAnswer, context: StsAnswerContext): Token {
  const { server, issuedAtMs } = context;
  const { status, headers, body } = answer;
  if (status !== 200) {
    const refusal = {
      status,
      headers,
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
  return keysToken(keys, { issuedAtMs, date: answer.headers.get("date"), expiration });
}

/** The text of the first element of this name that contains only text. */
function elementText(xml: string, name: string): string | undefined {
  const [, ...rests] = xml.split(`<${name}>`);
  const rest = rests.find((rest) => rest.startsWith(`</${name}>`, rest.indexOf("<")));
  const text = rest?.slice(0, rest.indexOf("<")).trim();
  return text && (decodeXmlText(new TextEncoder().encode(text)) ?? text);
}
