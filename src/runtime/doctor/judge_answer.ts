/**
 * Says in words what a store's answer to a search means.
 *
 * @module
 */
import { type Finding, finding } from "./finding.ts";

/** A store's answer. */
export interface StoreAnswer {
  readonly status: number;
  readonly contentType: string;
  /** The body, where it was short enough to be read. */
  readonly text: string | undefined;
}

/** What each refusal means, and what to do. */
const REFUSALS: Readonly<Record<number, readonly [meaning: string, ...advice: string[]]>> = {
  400: [
    "does not understand the search",
    "Check that Url is the base of the DICOMweb service, and Profile names the kind of store.",
  ],
  401: [
    "refuses the credential",
    "Compare issuer and audience of the token (`token` shows them) with what the store expects.",
    "Compare the clocks of this machine and the store.",
  ],
  403: [
    "knows who asks, and forbids the search",
    "Give the client of the gateway a role at the store that may read DICOM studies.",
    "Check that the token has the scope that the store wants (`token` shows them).",
  ],
  404: [
    "has nothing at this address",
    "Check the path of Url: studies are looked for at Url followed by /studies.",
  ],
  405: ["does not permit a search at this address", "Check the path of Url."],
  406: ["cannot answer in DICOM JSON", "Check that Profile names the kind of store."],
  429: ["has had too many requests", "Try again later; see whether something else uses the store."],
};

/**
 * Judges an answer.
 *
 * @param address The store's `host:port`.
 * @param answer Its answer.
 * @returns The finding; nothing of the body is in it.
 */
export function judgeAnswer(address: string, answer: StoreAnswer): Finding {
  const { status, contentType, text } = answer;
  const details = { status, contentType };
  const failed = (state: string, advice: readonly string[]) =>
    finding("search", address, "failed", `The store ${state} (status ${status}).`, {
      advice,
      details,
    });
  if (status === 204) return found(0);
  if (status >= 200 && status < 300) {
    const count = countStudies(text);
    return count === undefined
      ? failed(
        `answers, but not with DICOM JSON but ${contentType || "something without a type"}`,
        [
          "Check the path of Url: this is a page for people, as a rule, or another service.",
        ],
      )
      : found(count);
  }
  const [meaning, ...advice] = REFUSALS[status] ??
    (status >= 500
      ? ["has failed itself", "Look into the store's own log, or ask whoever runs it."]
      : ["refuses the search", "Look into the store's own log, or ask whoever runs it."]);
  return failed(meaning!, advice);

  function found(studies: number): Finding {
    const what = studies === 0 ? "no study yet" : "a study";
    return finding("search", address, "ok", `The store answers a search (${what}).`, {
      details: { ...details, studies },
    });
  }
}

function countStudies(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text.trim() === "") return 0;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.length : undefined;
  } catch {
    return undefined;
  }
}
