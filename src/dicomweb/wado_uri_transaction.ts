/**
 * Names the one transaction of PS3.18's URI Service (chapter 9). Its path is the store's own, but a query
 * must not make a retrieval of any path: only the base URL itself and `wado`, as archives have it.
 *
 * @module
 */
import { isUid } from "./identifiers.ts";
import type { PathRequest, Resource } from "./transaction.ts";

/** What the query must name, each once (PS3.18, section 9.4 and table 9.1.2-1). */
const REQUIRED = ["requestType", "studyUID", "seriesUID", "objectUID"] as const;

/**
 * Names the transaction of a request by WADO-URI.
 *
 * @param request The request.
 * @returns What it asks for, or nothing where it is none.
 */
export function wadoUriTransaction(
  { method, segments, start, query }: PathRequest,
): Resource | undefined {
  const [service, more] = segments.slice(start);
  const isOwnPath = start === 1 && more === undefined &&
    (service === undefined || service === "wado");
  if (method !== "GET" || !isOwnPath) return undefined;
  const parameters = [...new URLSearchParams(query)];
  // Names are case-sensitive (section 9.1.2); at a store to which they are not, two that differ only in
  // case are one, and the gateway cannot know which counts.
  const [type, study, series, instance] = REQUIRED.map((required) => {
    const same = parameters.filter(([name]) => name.toLowerCase() === required.toLowerCase());
    return same.length === 1 && same[0]![0] === required ? same[0]![1] : undefined;
  });
  if (type !== "WADO" || !isUid(study) || !isUid(series) || !isUid(instance)) return undefined;
  return { name: "wado-uri", study, series, instance };
}
