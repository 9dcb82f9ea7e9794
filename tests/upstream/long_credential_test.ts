import assert from "node:assert/strict";
import type { Authorization } from "../../src/credentials/authorizer.ts";
import { CountingAuthorizer } from "../fixtures/counting_authorizer.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { forward, withStore } from "./store_harness.ts";

class LongToken extends CountingAuthorizer {
  length = 9000;

  override authorize(): Authorization {
    return { headers: { authorization: `Bearer ${"t".repeat(this.length)}` } };
  }
}

const rows: [status: number, length: number, isReported: boolean, why: string][] = [
  [400, 9000, true, "nginx's limit is 8 KiB a line"],
  [400, 3000, false, "no server's limit is lower"],
  [431, 3000, true, "RFC 6585, section 5"],
  [494, 9000, true, "nginx"],
  [404, 9000, false, "another reason"],
  [500, 9000, false, "another reason"],
];
for (const [status, length, isReported, why] of rows) {
  Deno.test(`Store: ${status} to a token of ${length} characters is ${isReported ? "" : "not "}reported with its length: ${why}`, async () => {
    const logger = new MemoryLogger();
    const authorizer = new LongToken();
    authorizer.length = length;
    await withStore(() => new Response("no", { status }), async (store) => {
      for (let request = 0; request < 3; request++) {
        const response = await forward(store, "/studies");
        assert.equal(response.status, status);
        assert.equal(await response.text(), "no");
      }
    }, { authorizer, logger });
    const reports = logger.lines.filter(({ message }) => message.includes("limit for headers"));
    assert.equal(reports.length, isReported ? 1 : 0, "once");
    if (isReported) {
      assert.match(
        reports[0]!.message,
        new RegExp(`^Store answered ${status}: .* ${length + 7} char`),
      );
      assert(!JSON.stringify(reports).includes("ttt"));
    }
  });
}

Deno.test("Store: 400 to a credential whose length it has accepted is not reported", async () => {
  const logger = new MemoryLogger();
  let status = 200;
  await withStore(() => new Response("[]", { status }), async (store) => {
    for (status of [200, 400]) await (await forward(store, "/studies")).text();
  }, { authorizer: new LongToken(), logger });
  assert(!logger.lines.some(({ message }) => message.includes("limit for headers")));
});
