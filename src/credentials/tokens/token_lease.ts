/**
 * Gets a token for all who share a store with one token request between them: whoever holds the
 * lease asks the identity provider, the others watch the store for what comes of it. A holder
 * that dies loses the lease within seconds; a lease that cannot be had is no reason not to serve.
 *
 * @module
 */
import type { Clock } from "../../network/clock.ts";
import { sleep } from "../../network/wait.ts";
import type { GuardedTokenStore } from "../cache/guarded_token_store.ts";
import type { Token } from "../token.ts";

/** How long the lease outlives its holder. The holder extends it while it works. */
export const LEASE_TTL_MS = 5000;

const EXTENSION_INTERVAL_MS = LEASE_TTL_MS / 3;
const FIRST_POLL_MS = 25;
const SLOWEST_POLL_MS = 500;

/** What is shared, and how. */
export interface SharedAcquisition {
  readonly store: GuardedTokenStore;
  readonly key: string;
  readonly clock: Clock;
  /** A number from 0 up to 1, so that those who wait do not all look at the same moment. */
  readonly random: () => number;
  /** How long someone else's lease is respected. */
  readonly maxWaitMs: number;
  /** Whether a token found in the store will do. */
  readonly accepts: (stored: Token) => boolean | Promise<boolean>;
  /** Asks the identity provider. */
  readonly acquire: () => Promise<Token>;
  /** Ends the wait for someone else's lease. */
  readonly signal: AbortSignal;
}

/**
 * Gets a token from the store, from whoever is fetching one, or from the identity provider.
 *
 * @throws What `acquire` throws.
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
    // The last holder may have stored one between our look and our lease.
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

/** @returns A token if one arrives first; nothing once the lease is ours or the wait is over. */
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

/** @returns A function that ends it, and waits for an extension on its way: it would outlive the release. */
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
