/**
 * Recognizes what editors, shells, environment files and copying do to the value of a variable or file.
 * No message contains a part of the value.
 */

/** What a value is for. */
export interface ValueUse {
  /** Whether it is a secret. */
  readonly isSecret: boolean;
  /** Whether it is PEM or JSON, where line breaks and blanks at the ends have no meaning. */
  readonly isDocument: boolean;
  /** Whether only printable ASCII is allowed (RFC 6749, appendix A). */
  readonly isAscii?: boolean;
}

/** The use of most secrets. */
export const SECRET_LINE: ValueUse = { isSecret: true, isDocument: false };

/** Why a value cannot be right; `undefined` if it can. */
export function valueFault(
  text: string,
  { isSecret, isDocument, isAscii = false }: ValueUse,
): string | undefined {
  if (text.includes("\uFFFD")) return "is not UTF-8, perhaps Latin-1 or Windows-1252";
  if (text.startsWith("\uFEFF")) return "starts with a byte order mark (U+FEFF)";
  const control = /[^\P{Cc}\t\r\n]/u.exec(text)?.[0];
  if (control !== undefined) return `contains a control character (${codePoint(control)})`;
  if (isDocument) return undefined;
  if (isSecret && /^\s+$/.test(text)) return "contains only blanks";
  if (/^[^\r\n]*\r$/.test(text)) {
    return "ends with a carriage return, as from an environment file with Windows line breaks (CRLF)";
  }
  if (!isSecret || !/[\r\n]/.test(text)) return isAscii ? asciiFault(text) : undefined;
  return /[\r\n]/.test(text.trim())
    ? "contains several lines instead of only the value"
    : "contains a line break before or after the value: write it without";
}

/** What is suspicious about a value that may still be right. */
export function valueDoubt(text: string, { isSecret, isDocument }: ValueUse): string | undefined {
  if (isDocument || /[\r\n]/.test(text)) return undefined;
  if (/^\s|\s$/.test(text)) {
    return "starts or ends with a blank, which is used as a part of the value";
  }
  const invisible = /[\p{Cf}\p{Zl}\p{Zp}\u00A0]/u.exec(text)?.[0];
  if (invisible !== undefined) return `contains an invisible character (${codePoint(invisible)})`;
  if (/^(["']).*\1$/.test(text) && text.length > 1) {
    return "is in quotes, which are used as a part of the value";
  }
  if (!isSecret) return undefined;
  if (isAssignment(text)) return "looks like NAME=value: all of it is used as the value";
  if (/^\{\s*"[^"]+"\s*:.*\}$/.test(text)) return "looks like JSON: all of it is used as the value";
  return /\\[nr]$/.test(text)
    ? "ends with a backslash and a letter in place of a line break, which are used as a part of the value"
    : undefined;
}

/** What is not printable ASCII in a client's identifier or secret. */
export function asciiFault(text: string): string | undefined {
  const wrong = /[^\x20-\x7e]/u.exec(text)?.[0];
  return wrong === undefined
    ? undefined
    : `contains ${codePoint(wrong)} where only printable ASCII is allowed (RFC 6749, appendix A)`;
}

/** A code point as in `U+00A0`. */
function codePoint(character: string): string {
  return `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Whether a text is a line of an environment file or of YAML. A header's value may be `key=value` as well. */
export function isAssignment(text: string): boolean {
  const name = /^(?:export )?([A-Za-z_]\w*)(?: ?= ?|: +)[^=\s]/.exec(text)?.[1];
  return name !== undefined && (/^[A-Z_][A-Z\d_]+$/.test(name) || /secret|token|passw/i.test(name));
}
