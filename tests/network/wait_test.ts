import assert from "node:assert/strict";
import { systemClock } from "../../src/network/clock.ts";
import { limited, sleep } from "../../src/network/wait.ts";
import { FakeClock } from "../fixtures/fake_clock.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { REDIS, startRedisServer } from "../fixtures/redis_server.ts";

const tooLate = () => new Error("too late");

Deno.test("limited waits exactly for its limit, and leaves no timer", async () => {
  const clock = new FakeClock();
  const errors: Error[] = [];
  const waiting = limited(new Promise(() => {}), 1000, tooLate, clock)
    .catch((error) => errors.push(error));
  await clock.advance(999);
  assert.deepEqual(errors, []);
  await clock.advance(1);
  await waiting;
  assert.deepEqual(errors.map(({ message }) => message), ["too late"]);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("limited returns the result or the failure as soon as there is one", async () => {
  const clock = new FakeClock();
  assert.equal(await limited(Promise.resolve("answer"), 1000, tooLate, clock), "answer");
  await assert.rejects(limited(Promise.reject(new Error("refused")), 1000, tooLate, clock), {
    message: "refused",
  });
  assert.equal(clock.pendingTimers, 0);
});

Deno.test(needing(REDIS, {
  name: "limited does not count the time for which the thread is busy",
  async fn() {
    const redis = await startRedisServer();
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: redis.port });
    const answer = async () => {
      await conn.write(new TextEncoder().encode("PING\r\n"));
      return await conn.read(new Uint8Array(64));
    };
    const waiting = limited(answer(), 200, tooLate, systemClock);
    const endMs = performance.now() + 600;
    while (performance.now() < endMs);
    assert.equal(await waiting, 7);
    conn.close();
    await redis.kill();
  },
}));

Deno.test("sleep ends at once with the reason of a signal that aborts", async () => {
  const controller = new AbortController();
  const waiting = sleep(60_000, controller);
  controller.abort(new Error("the client left"));
  await assert.rejects(waiting, /the client left/);
  await assert.rejects(sleep(0, controller), /the client left/);
});
