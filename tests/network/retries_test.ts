import assert from "node:assert/strict";
import { Retries, type RetryRules } from "../../src/network/retries.ts";
import { FakeClock, settle } from "../fixtures/fake_clock.ts";

const { signal } = new AbortController();

/** The delay that the peer asks for, or a final outcome. */
type Outcome = number | "final";

function retriesOf(rules: Partial<RetryRules> = {}) {
  const clock = new FakeClock();
  const counted = { retries: 0 };
  const retries = new Retries({
    rules: { maxAttempts: 3, initialDelayMs: 100, maxDelayMs: 5_000, ...rules },
    wantedDelayMs: (outcome) =>
      outcome instanceof Error ? 0 : typeof outcome === "number" ? outcome : undefined,
    onRetry: () => counted.retries++,
    random: () => 0,
    clock,
  });
  return { retries, clock, counted };
}

/** Runs attempts with these outcomes, the last one repeatedly; returns when each began. */
async function attempts(
  { retries, clock }: Pick<ReturnType<typeof retriesOf>, "retries" | "clock">,
  outcomes: readonly Outcome[],
  isRepeatable = true,
): Promise<{ begunMs: number[]; result: Outcome }> {
  const startMs = clock.monotonic();
  const begunMs: number[] = [];
  const running = retries.run<Outcome>(() => {
    begunMs.push(clock.monotonic() - startMs);
    return Promise.resolve(outcomes[begunMs.length - 1] ?? outcomes.at(-1)!);
  }, { signal, isRepeatable });
  await clock.advance(60_000);
  return { begunMs, result: await running };
}

Deno.test("Retries: the delay grows, attempts end, and the last outcome is returned", async () => {
  const some = retriesOf();
  assert.deepEqual(await attempts(some, [0]), { begunMs: [0, 100, 300], result: 0 });
  assert.equal(some.counted.retries, 2);
  assert.equal(some.clock.pendingTimers, 0);
});

/** When attempts begin, by strategy: up to 300 ms apart. */
const STRATEGIES = {
  fixed: [0, 100, 200, 300, 400],
  linear: [0, 100, 250, 450, 700],
  exponential: [0, 100, 300, 600, 900],
};

for (const [strategy, expected] of Object.entries(STRATEGIES)) {
  Deno.test(`Retries: ${strategy} delays`, async () => {
    const rules = { maxAttempts: 5, incrementMs: 50, multiplier: 2, maxDelayMs: 300 };
    const some = retriesOf({ ...rules, strategy: strategy as keyof typeof STRATEGIES });
    assert.deepEqual((await attempts(some, [0])).begunMs, expected);
  });
}

Deno.test("Retries: neither a final outcome nor an unrepeatable request is repeated", async () => {
  assert.deepEqual((await attempts(retriesOf(), ["final"])).begunMs, [0]);
  assert.deepEqual((await attempts(retriesOf(), [0], false)).begunMs, [0]);
});

Deno.test("Retries: never earlier than the peer asks, and not at all when it asks for too much", async () => {
  assert.deepEqual((await attempts(retriesOf(), [2_000, "final"])).begunMs, [0, 2_000]);
  assert.deepEqual((await attempts(retriesOf(), [5_001])).begunMs, [0]);
});

Deno.test("Retries: what the last attempt throws is thrown", async () => {
  const { retries } = retriesOf({ initialDelayMs: 0 });
  let count = 0;
  const attempt = () => Promise.reject(new Error(`attempt ${++count}`));
  const running = retries.run(attempt, { signal });
  await assert.rejects(running, /attempt 3/);
});

Deno.test("Retries: a signal ends the wait with its reason, and counts no retry", async () => {
  const { retries, clock, counted } = retriesOf();
  const client = new AbortController();
  const discarded: unknown[] = [];
  const running = retries.run(() => Promise.resolve(0), {
    signal: client.signal,
    discard: (outcome, delayMs) => discarded.push([outcome, delayMs]),
  });
  await settle();
  client.abort(new Error("the client left"));
  await assert.rejects(running, /the client left/);
  assert.deepEqual(discarded, [[0, 100]]);
  assert.deepEqual([counted.retries, clock.pendingTimers], [0, 0]);
});

Deno.test("Retries: an outage causes ten requests and a tenth more, not twice as many", async () => {
  const { retries } = retriesOf({ maxAttempts: 2, initialDelayMs: 0, budget: 0.1 });
  let sent = 0;
  const attempt = () => {
    sent++;
    return Promise.resolve(0);
  };
  for (let request = 0; request < 10_000; request++) await retries.run(attempt, { signal });
  assert.ok(sent > 10_900, `${sent} requests`);
  assert.ok(sent <= 11_010, `${sent} requests`);
});

Deno.test("Retries: quiet times save up no more than ten", async () => {
  const { retries, counted } = retriesOf({ maxAttempts: 2, initialDelayMs: 0, budget: 0.01 });
  for (let quiet = 0; quiet < 2_000; quiet++) {
    await retries.run(() => Promise.resolve("final"), { signal });
  }
  for (let request = 0; request < 50; request++) {
    await retries.run(() => Promise.resolve(0), { signal });
  }
  assert.equal(counted.retries, 10);
});

Deno.test("Retries: a budget of zero repeats nothing", async () => {
  const { begunMs } = await attempts(retriesOf({ budget: 0 }), [0]);
  assert.deepEqual(begunMs, [0]);
});
