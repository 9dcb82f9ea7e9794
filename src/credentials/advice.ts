/**
 * A row of the advice tables: an error response of an identity provider, and the remedy that its
 * documentation gives.
 */
import type { ProviderName } from "../config/schemes/oauth2/identity_provider.ts";
import type { ErrorCode } from "../errors/catalogue.ts";

/** An error response of an identity provider. */
export interface ProviderRefusal {
  /** URL of the request: its host and path identify the provider. */
  readonly endpoint: string;
  /** The configured provider; undefined if it has to be detected. */
  readonly provider?: ProviderName | undefined;
  readonly status: number;
  /** The provider's error code, such as `invalid_client`. */
  readonly error?: string | undefined;
  /** `error_description`, or the text in its place. */
  readonly description?: string | undefined;
}

/** The remedy for one kind of error response. An absent condition matches every response. */
export interface Advice {
  readonly provider?: ProviderName;
  readonly status?: number;
  readonly error?: string;
  /** Matched against the description. */
  readonly text?: RegExp;
  /** Replaces the catalogue code that follows from the provider's error code. */
  readonly code?: ErrorCode;
  /** Most likely remedy first; never quotes the response. */
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
