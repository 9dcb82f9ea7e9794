/**
 * The reason that a store or the gateway gives for rejecting a request, from its body or its `Warning`.
 */

const MAX_LENGTH = 300;

/** @param text The body. */
export function refusalReason(headers: Headers, text: string): string | undefined {
  const type = headers.get("content-type") ?? "";
  const said = /\bjson\b/i.test(type)
    ? fromJson(text)
    : /\bhtml\b/i.test(type)
    ? /<title>([^<]*)/i.exec(text)?.[1]
    : /\bxml\b/i.test(type)
    ? undefined
    : text;
  // PS3.18, section 10.5.3: for failures the reason can be in `Warning` (299 agent "text").
  const warning = /"([^"]*)"/.exec(headers.get("warning") ?? "")?.[1];
  return printable(said) ?? printable(warning);
}

/**
 * Problem details (RFC 9457; the gateway adds its code), Google's `error.message`, FHIR's
 * OperationOutcome, and the keys that Orthanc, dcm4chee and others use.
 */
function fromJson(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const body = at(value, 0) ?? value;
  const code = at(body, "error_code");
  const said = [
    at(body, "detail"),
    at(body, "error", "message"),
    at(body, "issue", 0, "diagnostics"),
    at(body, "errorMessage"),
    at(body, "message"),
    at(body, "Message"),
    at(body, "Details"),
    at(body, "error"),
    at(body, "title"),
    body,
  ].find((each) => typeof each === "string" && each !== "");
  if (typeof said !== "string") return undefined;
  return typeof code === "string" ? `${said} (${code})` : said;
}

function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null
        ? (inner as Record<string | number, unknown>)[key]
        : undefined,
    value,
  );
}

/** One line without control and format characters. */
function printable(text: string | undefined): string | undefined {
  const line = text?.replace(/[\p{C}\p{Z}]+/gu, " ").trim();
  if (!line) return undefined;
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line;
}
