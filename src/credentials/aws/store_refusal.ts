/**
 * Reads what a store of AWS says with a refusal, without taking it from the client: whether it is
 * about the clock, about the keys, or about neither.
 *
 * @module
 */
import { readStart } from "../../network/bounded_body.ts";
import type { AwsRefusal } from "./refusal.ts";
import { plainCode } from "./refusal.ts";

/** Most that is looked at of a refusal's body. */
const MAX_BYTES = 16 * 1024;

/** What a wrong clock may be refused with; AWS's own libraries go by the same list. */
const CLOCK_FAULTS: ReadonlySet<string> = new Set([
  "AuthFailure",
  "InvalidSignature",
  "RequestExpired",
  "RequestInTheFuture",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
]);

/** What ended or unknown keys are refused with. */
const KEYS_FAULTS: ReadonlySet<string> = new Set([
  "ExpiredToken",
  "InvalidClientTokenId",
  "InvalidToken",
  "TokenRefreshRequired",
  "UnrecognizedClient",
]);

/** Reads a refusal. Its body can still be read by others. */
export async function readStoreRefusal(refusal: Response): Promise<AwsRefusal> {
  const { status } = refusal;
  const text = await readStart(refusal.clone().body, MAX_BYTES);
  const named = plainCode(refusal.headers.get("x-amzn-errortype"));
  const error = named ?? plainCode(
    text.match(/"(?:__type|code|Code)"\s*:\s*"([^"]*)"/)?.[1] ?? text.match(/<Code>([^<]*)</)?.[1],
  );
  const description = text.match(/"[Mm]essage"\s*:\s*"([^"]*)"/)?.[1] ??
    text.match(/<Message>([^<]*)</)?.[1];
  return { status, error, description };
}

/**
 * Whether a refusal may be about the clock; only the `Date` beside it can tell whether it is.
 *
 * @param error Its error code, where it has one.
 */
export function isClockFault(status: number, error: string | undefined): boolean {
  return error === undefined ? status === 403 : CLOCK_FAULTS.has(error);
}

/**
 * Whether a refusal is about the keys, so that others may be taken.
 *
 * @param error Its error code, where it has one.
 */
export function isKeysFault(status: number, error: string | undefined): boolean {
  return error === undefined ? status === 401 : KEYS_FAULTS.has(error);
}
