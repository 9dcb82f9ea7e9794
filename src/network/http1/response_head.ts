/**
 * Parses the head of an HTTP/1.1 response (RFC 9112, sections 4 and 5), and from it the framing of the
 * body (section 6.3). Ambiguous framing is refused, never guessed.
 */
import { decodeLatin1 } from "../../dicomweb/latin1.ts";

/** How the end of a body is found. */
export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  /** By the connection's end; `bytes` is what a `Content-Length` beside another coding announces. */
  | { readonly kind: "until-close"; readonly bytes?: number };

export interface ResponseHead {
  readonly status: number;
  /** Names in lower case, one entry a field line. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly framing: BodyFraming;
  /** Whether the connection may serve another request once the body has been read. */
  readonly keepsAlive: boolean;
}

/** A response that does not follow RFC 9112. */
export class MalformedResponseError extends Error {
  override readonly name = "MalformedResponseError";

  constructor(state: string) {
    super(`malformed HTTP/1.1 response: ${state}`);
  }
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([0-9]{3})(?: .*)?$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Control characters other than the tab (RFC 9110, section 5.5). */
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
/** As many as the runtime accepts. */
const MAX_FIELDS = 100;

/**
 * @param bytes Status line and field lines, up to and including the empty line.
 * @param method The request's method: a response to HEAD has no body.
 * @throws {MalformedResponseError} When it is malformed or its framing ambiguous.
 */
export function parseResponseHead(bytes: Uint8Array, method: string): ResponseHead {
  const lines = decodeLatin1(bytes).split("\n");
  // The empty line and what follows its line feed.
  lines.length -= 2;
  if (lines.length > MAX_FIELDS + 1) throw new MalformedResponseError("too many header fields");
  const status = STATUS_LINE.exec(withoutCr(lines[0]!));
  if (status === null) throw new MalformedResponseError("its status line cannot be read");
  const fields = new Map<string, string>();
  const headers: (readonly [string, string])[] = [];
  for (let i = 1; i < lines.length; i++) {
    const line = withoutCr(lines[i]!);
    const colon = line.indexOf(":");
    const written = line.slice(0, colon);
    const value = trimOws(line, colon + 1);
    // No name begins with a space: this rejects folded lines, too (section 5.2).
    if (colon < 1 || !NAME.test(written) || CONTROL.test(value)) {
      throw new MalformedResponseError("a header field cannot be read");
    }
    const name = written.toLowerCase();
    headers.push([name, value]);
    if (FRAMING.has(name)) {
      const before = fields.get(name);
      fields.set(name, before === undefined ? value : `${before}, ${value}`);
    }
  }
  const code = Number(status[2]);
  const stated = fields.get("content-length");
  const length = contentLength(stated);
  const isHttp11 = status[1] === "1";
  const framing = framingOf(code, { method, isHttp11, fields, length });
  return {
    status: code,
    headers: length === undefined || stated === String(length)
      ? headers
      : withLength(headers, length),
    framing,
    keepsAlive: framing.kind !== "until-close" && keepsAlive(isHttp11, fields) &&
      // Both together may be an attempt at response splitting (section 6.1).
      !(fields.has("transfer-encoding") && fields.has("content-length")),
  };
}

const FRAMING: ReadonlySet<string> = new Set(["transfer-encoding", "content-length", "connection"]);

function framingOf(
  status: number,
  { method, isHttp11, fields, length }: {
    readonly method: string;
    readonly isHttp11: boolean;
    readonly fields: ReadonlyMap<string, string>;
    readonly length: number | undefined;
  },
): BodyFraming {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return { kind: "none" };
  }
  const coding = fields.get("transfer-encoding")?.toLowerCase();
  if (coding !== undefined) {
    if (!isHttp11) throw new MalformedResponseError("HTTP/1.0 knows no Transfer-Encoding");
    const codings = coding.split(",").map((item) => item.trim());
    const at = codings.indexOf("chunked");
    if (codings.some((item) => item !== "chunked" && item !== "identity")) {
      // No request has a TE field: passed on undecoded, the body would look whole.
      throw new MalformedResponseError("its Transfer-Encoding was not accepted");
    }
    if (at < 0) return { kind: "until-close", ...(length !== undefined && { bytes: length }) };
    if (at < codings.length - 1) throw new MalformedResponseError("chunked is not its last coding");
    return { kind: "chunked" };
  }
  return length === undefined ? { kind: "until-close" } : { kind: "length", bytes: length };
}

/** A repeated length counts when all agree (RFC 9110, section 8.6). */
function contentLength(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const [first, ...others] = value.split(",").map((item) => item.trim());
  if (!/^[0-9]{1,15}$/.test(first!) || others.some((other) => other !== first)) {
    throw new MalformedResponseError("its Content-Length is not one number");
  }
  return Number(first);
}

/** With one `Content-Length`: a repeated one is read differently by others. */
function withLength(
  headers: ResponseHead["headers"],
  length: number,
): ResponseHead["headers"] {
  const others = headers.filter(([name]) => name !== "content-length");
  return [...others, ["content-length", String(length)]];
}

function keepsAlive(isHttp11: boolean, fields: ReadonlyMap<string, string>): boolean {
  const connection = fields.get("connection")?.toLowerCase();
  if (connection === undefined) return isHttp11;
  const options = connection.split(",").map((item) => item.trim());
  return !options.includes("close") && (isHttp11 || options.includes("keep-alive"));
}

function withoutCr(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/**
 * Removes optional white space (RFC 9110, section 5.6.3) from both ends. Linear on purpose: an expression
 * that trims both ends backtracks over inner spaces.
 */
export function trimOws(line: string, from = 0): string {
  let start = from;
  let end = line.length;
  while (start < end && isOws(line.charCodeAt(start))) start++;
  while (end > start && isOws(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
