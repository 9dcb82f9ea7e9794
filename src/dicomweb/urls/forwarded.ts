/**
 * Reads the `Forwarded` header (RFC 7239).
 */

/** Text between semicolons outside quotes; a quoted string without end takes the rest. */
const PAIR = /(?:[^;"]|"(?:[^"\\]|\\.?)*"?)+/g;
const PARAMETER = /^([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))$/;

/**
 * Reads one element of a `Forwarded` header. Of a repeated parameter the first counts; invalid ones
 * are ignored.
 *
 * @param element What one proxy has written, without the commas around it.
 * @returns Parameters by lower-case name, values without quotes.
 */
export function forwardedParameters(element: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of element.match(PAIR) ?? []) {
    const [, name, quoted, plain] = PARAMETER.exec(pair.trim()) ?? [];
    const key = name?.toLowerCase();
    if (key === undefined || parameters.has(key)) continue;
    parameters.set(key, quoted?.replace(/\\(.)/g, "$1") ?? plain!);
  }
  return parameters;
}
