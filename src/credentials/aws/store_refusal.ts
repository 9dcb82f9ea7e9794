/**
 * Reads the reason of a refusal by a store of AWS, which still goes to the client: the clock, the keys, or
 * neither.
 */
import { readStart } from "../../network/bounded_body.ts";
import { type AwsRefusal, plainCode } from "./refusal.ts";

/** The part of a refusal's body that is searched. */
const MAX_BYTES = 16 * 1024;

/** Error codes that a wrong clock may cause; AWS's own libraries use the same list. */
const CLOCK_FAULTS: ReadonlySet<string> = new Set([
  "AuthFailure",
  "InvalidSignature",
  "RequestExpired",
  "RequestInTheFuture",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
]);

/** Error codes for expired or unknown keys. */
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

/** Whether the clock may be the reason of a refusal; only its `Date` header shows whether it is. */
export function isClockFault(status: number, error: string | undefined): boolean {
  return error === undefined ? status === 403 : CLOCK_FAULTS.has(error);
}

/** Whether the keys are the reason of a refusal. */
export function isKeysFault(status: number, error: string | undefined): boolean {
  return error === undefined ? status === 401 : KEYS_FAULTS.has(error);
}
