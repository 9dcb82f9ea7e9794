/**
 * What a row of the table of remedies looks like: which refusal of which identity provider it is
 * about, and what that provider says is to be done.
 *
 * @module
 */
import type { ProviderName } from "../config/schemes/oauth2/identity_provider.ts";
import type { ErrorCode } from "../errors/catalogue.ts";

/** A refusal as it arrived. */
export interface ProviderRefusal {
  /** The URL that was asked: its host and path tell the provider. */
  readonly endpoint: string;
  /** The provider, where the configuration says it. */
  readonly provider?: ProviderName | undefined;
  /** HTTP status of the answer. */
  readonly status: number;
  /** The provider's error code, such as `invalid_client`. */
  readonly error?: string | undefined;
  /** What else it said: `error_description`, or the text in its place. */
  readonly description?: string | undefined;
}

/** What to do about one kind of refusal. What it leaves out fits everything. */
export interface Advice {
  /** Whose refusal it is; `undefined` where it means the same whoever says it. */
  readonly provider?: ProviderName;
  readonly status?: number;
  /** The provider's error code. */
  readonly error?: string;
  /** What the rest of its words must match. */
  readonly text?: RegExp;
  /** The code of the catalogue, where it is another than the error code says. */
  readonly code?: ErrorCode;
  /** What to do, the likeliest first; never quotes the answer. */
  readonly steps: readonly string[];
}

/**
 * Makes the rows of one provider's table.
 *
 * @param label What each step begins with.
 */
export function rowsOf(
  provider: ProviderName | undefined,
  label: string,
): (refusal: Omit<Advice, "provider" | "steps">, ...steps: readonly string[]) => Advice {
  return (refusal, ...steps) => ({
    ...(provider && { provider }),
    ...refusal,
    steps: steps.map((step) => `${label}: ${step}`),
  });
}
