/**
 * Reads a JSON array of datasets element by element, with bounded sizes and without blocking other
 * requests.
 */
import { JsonListError, JsonListScanner } from "../dicomweb/search/json_list_scanner.ts";
import { brokenAnswer, readingFailure } from "../dicomweb/completeness/whole_body.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { TimeSlice } from "../dicomweb/time_slice.ts";

/** One element of the array. */
export interface ListedDataset {
  /** As received. */
  readonly bytes: Uint8Array;
  /** Parsed; names that are not UTF-8 are garbled here, and only here. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** Of the metadata of a series. */
export const MAX_METADATA_BYTES: number = 1024 * 1024 * 1024;
/** A dataset without bulk data has some kilobytes; with private attributes, possibly megabytes. */
const MAX_ELEMENT_BYTES = 16 * 1024 * 1024;

/**
 * Reads a list. Returning early cancels the body.
 *
 * @param response A successful response; 204 is an empty list.
 * @throws {GatewayError} NET-009 for a body that is no such list, too long or empty; NET-002 if it breaks
 * off.
 */
export async function* readListBody(
  response: Response,
  maxBytes: number,
): AsyncGenerator<ListedDataset, void, void> {
  if (response.status === 204) return;
  const scanner = new JsonListScanner(MAX_ELEMENT_BYTES);
  const decoder = new TextDecoder();
  const slice = new TimeSlice();
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new JsonListError(`it exceeds ${maxBytes} bytes`);
      for (const element of scanner.push(chunk)) {
        yield { bytes: element, value: parsed(decoder.decode(element)) };
        if (slice.isOver) await slice.pause();
      }
      if (slice.isOver) await slice.pause();
    }
    // An empty body must be announced as such: else it may have been lost.
    if (scanner.isBlank && response.headers.get("content-length") === "0") return;
    if (!scanner.isComplete) throw brokenAnswer("a list ends before its closing bracket");
  } catch (cause) {
    if (cause instanceof JsonListError || cause instanceof SyntaxError) {
      const why = cause instanceof JsonListError ? cause.message : "an element is no JSON";
      throw new GatewayError("NET-009", `Cannot read the store's list of results: ${why}`, {
        cause,
      });
    }
    throw readingFailure(cause);
  }
}

/** Some stores write the escape sequences of ISO 2022 into strings, which is invalid JSON. */
function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replace(/\p{Cc}/gu, " "));
  }
}
