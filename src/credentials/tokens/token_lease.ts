/**
 * Gets a token for all that share a store with a single token request: the holder of the lease sends
 * it, the others poll the store for its token. A crashed holder loses the lease within seconds, and
 * after a limit the token is requested without the lease.
 */
import type { Clock } from "../../network/clock.ts";
import { sleep } from "../../network/wait.ts";
import type { TokenStore } from "../cache/token_store.ts";
import type { Token } from "../token.ts";

/** The holder extends the lease until it is done. */
export const LEASE_TTL_MS = 5000;

const EXTENSION_INTERVAL_MS = LEASE_TTL_MS / 3;
const FIRST_POLL_MS = 25;
const SLOWEST_POLL_MS = 500;

export interface SharedAcquisition {
  readonly store: TokenStore;
  readonly key: string;
  readonly clock: Clock;
  /** From 0 to 1: spreads the polls. */
  readonly random: () => number;
  /** Limit for waiting for another holder's lease. */
  readonly maxWaitMs: number;
  /** Whether a token from the store may be used. */
  readonly accepts: (stored: Token) => boolean | Promise<boolean>;
  /** Requests a token from the identity provider. */
  readonly acquire: () => Promise<Token>;
  /** Ends the wait for another holder's lease. */
  readonly signal: AbortSignal;
}

/**
 * Gets a token from the store, from another lease holder through the store, or from the identity provider.
 *
 * @throws Whatever `acquire` throws.
 * @throws The signal's reason when it aborts.
 */
export async function acquireShared(shared: SharedAcquisition): Promise<Token> {
  const { store, key } = shared;
  const found = await find(shared);
  if (found !== undefined) return found;

  const holder = crypto.randomUUID();
  const arrived = await waitForLease(shared, holder);
  if (arrived !== undefined) return arrived;

  const stopExtending = extendLease(shared, holder);
  try {
    // The last holder may have stored one before our lease began.
    const stored = await find(shared);
    if (stored !== undefined) return stored;
    const token = await shared.acquire();
    await store.set(key, token);
    return token;
  } finally {
    await stopExtending();
    await store.releaseLease(key, holder);
  }
}

async function find({ store, key, accepts }: SharedAcquisition): Promise<Token | undefined> {
  const stored = await store.get(key);
  return stored !== undefined && await accepts(stored) ? stored : undefined;
}

/** @returns Another holder's token; undefined with our lease or at the time limit. */
async function waitForLease(
  shared: SharedAcquisition,
  holder: string,
): Promise<Token | undefined> {
  const { store, key, clock, random, maxWaitMs, signal } = shared;
  const deadlineMs = clock.monotonic() + maxWaitMs;
  let pollMs = FIRST_POLL_MS;
  while (
    !await store.acquireLease(key, holder, LEASE_TTL_MS) && clock.monotonic() < deadlineMs
  ) {
    await sleep(pollMs * (0.5 + random()), { signal, clock });
    const stored = await find(shared);
    if (stored !== undefined) return stored;
    pollMs = Math.min(2 * pollMs, SLOWEST_POLL_MS);
  }
  return undefined;
}

/** @returns Stops extending, and waits for an extension in progress, which would outlive the release. */
function extendLease(
  { store, key, clock }: SharedAcquisition,
  holder: string,
): () => Promise<unknown> {
  let extension: Promise<unknown> = Promise.resolve();
  let cancel = schedule();
  function schedule(): () => void {
    return clock.after(EXTENSION_INTERVAL_MS, () => {
      extension = store.acquireLease(key, holder, LEASE_TTL_MS);
      cancel = schedule();
    });
  }
  return () => {
    cancel();
    return extension;
  };
}
