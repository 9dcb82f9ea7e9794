/**
 * Finds the words of a refusal in whatever form an identity provider, or something in front of it, puts
 * them: RFC 6749, the forms of vendors, plain text or a web page. The words are not sanitized.
 */
import { jsonObject } from "./json_object.ts";
import type { ProviderAnswer } from "./provider_exchange.ts";

/** The words of a refusal. */
export interface ProviderWords {
  /** An error code, such as `invalid_client`. */
  readonly error?: string | undefined;
  readonly description?: string | undefined;
  /** The headers that identify the sender, of a refusal that is not of RFC 6749. */
  readonly sender?: string | undefined;
}

/** Where an error code is, by path; the first text counts. */
const ERROR: readonly (readonly string[])[] = [
  ["error"], // RFC 6749, section 5.2
  ["error", "status"], // Google APIs, AIP-193
  ["error", "code"], // Microsoft Graph
  ["errorCode"], // Okta
  ["ErrorCode"], // Apigee, OAuthV2 policy
  ["fault", "detail", "errorcode"], // Apigee, faults
  ["code"],
];

const DESCRIPTION: readonly (readonly string[])[] = [
  ["error_description"], // RFC 6749, section 5.2
  ["error", "message"], // Google APIs, Microsoft Graph
  ["errorSummary"], // Okta
  ["fault", "faultstring"], // Apigee, faults
  ["Error"], // Apigee, OAuthV2 policy
  ["message"], // Azure API Management, Kong, Spring, App Service
  ["Message"],
  ["errorMessage"],
  ["detail"], // RFC 9457
  ["title"],
  ["errors", "0", "detail"], // JSON:API
  ["errors", "0", "message"],
  ["issue", "0", "diagnostics"], // FHIR, OperationOutcome
  ["error_uri"], // RFC 6749, section 5.2
];

/**
 * Finds the words in a response. Of a success that is no token response it returns only what cannot be
 * a token: the title of a page, a support ID, the member `error`.
 */
export function providerWords({ status, headers, body }: ProviderAnswer): ProviderWords {
  const json = jsonObject(body);
  const isRefusal = status >= 400;
  if (json === undefined) {
    return { description: pageText(body, isRefusal), sender: senderIn(headers) };
  }
  const error = json["error"] ?? "";
  if (!isRefusal && error === "") return {};
  return {
    error: firstText(json, ERROR),
    description: firstText(json, DESCRIPTION),
    ...((typeof error !== "string" || error === "") && { sender: senderIn(headers) }),
  };
}

/** What names a proxy, a firewall or an API gateway that answered (RFC 9110, sections 7.6.3 and 10.2.4). */
function senderIn(headers: Headers): string | undefined {
  const named = ["via", "server"].flatMap((name) => {
    const value = headers.get(name);
    return value === null || value === "" ? [] : [`${name === "via" ? "Via" : "Server"}: ${value}`];
  });
  return named.length === 0 ? undefined : named.join(", ");
}

function firstText(
  json: Readonly<Record<string, unknown>>,
  paths: readonly (readonly string[])[],
): string | undefined {
  return paths.map((path) => path.reduce<unknown>(member, json))
    .find((value): value is string => typeof value === "string" && value.trim() !== "");
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/**
 * The title of a web page, then the rest of its text, in which a proxy gives its reason; or plain text.
 *
 * @param isWhole Else only the title, and the support ID of F5's firewall.
 */
function pageText(body: string, isWhole: boolean): string {
  const texts = new Set<string>();
  let title = "";
  for (const piece of body.split("<")) {
    const end = piece.indexOf(">");
    const tag = piece.slice(0, Math.max(end, 0)).toLowerCase();
    // Scripts, styles, comments and declarations are not shown.
    if (/^(?:script|style|!)/.test(tag)) continue;
    const text = unescape(piece.slice(end + 1)).trim();
    if (/^title\b/.test(tag)) title = text;
    else texts.add(text);
  }
  texts.delete(title);
  const rest = [...texts].filter((text) => text !== "").join(" ");
  const shown = isWhole ? rest : /support ID is:? ?\d{1,32}/i.exec(rest)?.[0] ?? "";
  return `${title} ${shown}`.trim();
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
};

/** Before secrets are hidden: one that a page escapes would not be recognized. */
function unescape(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(\w{1,8}));/g,
    (written, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? written;
      const code = hex === undefined ? Number(decimal) : parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : written;
    },
  );
}
