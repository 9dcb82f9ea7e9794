import assert from "node:assert/strict";
import { TokenFileAuthorizer } from "../../../src/credentials/fixed/token_file_authorizer.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { failureOf, never } from "../source_harness.ts";

interface Parts {
  readonly file: string;
  readonly directory: string;
  readonly clock: FakeClock;
  readonly logger: MemoryLogger;
  readonly authorizer: TokenFileAuthorizer;
  /** The header that a request gets now. */
  header(): Promise<string | undefined>;
}

async function withTokenFile(test: (parts: Parts) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const file = `${directory}/token`;
  const clock = new FakeClock();
  const logger = new MemoryLogger();
  const authorizer = new TokenFileAuthorizer({ file, server: "main", logger, clock });
  try {
    const header = async () =>
      (await authorizer.authorize({ signal: never })).headers.authorization;
    await test({ file, directory, clock, logger, authorizer, header });
  } finally {
    await authorizer.close();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("TokenFileAuthorizer reads a changed file within a second, and uses its cache in between", () =>
  withTokenFile(async ({ file, clock, authorizer, header }) => {
    await Deno.writeTextFile(file, "one\n");
    assert.equal(await header(), "Bearer one");
    await Deno.writeTextFile(file, "two");
    await clock.advance(999);
    const held = authorizer.authorize({ signal: never });
    assert(!(held instanceof Promise));
    assert.equal(held.headers.authorization, "Bearer one");
    await clock.advance(1);
    assert.equal(await header(), "Bearer two");
  }));

Deno.test("TokenFileAuthorizer follows a replaced link, which is how Kubernetes renews a token", () =>
  withTokenFile(async ({ file, directory, clock, header }) => {
    for (const token of ["one", "two"]) {
      await Deno.writeTextFile(`${directory}/${token}`, token);
      await Deno.symlink(`${directory}/${token}`, `${directory}/new`);
      await Deno.rename(`${directory}/new`, file);
      await clock.advance(1000);
      assert.equal(await header(), `Bearer ${token}`);
    }
  }));

Deno.test("TokenFileAuthorizer rereads the file after a 401, and retries only with another token", () =>
  withTokenFile(async ({ file, authorizer, header }) => {
    await Deno.writeTextFile(file, "one");
    const first = await authorizer.authorize({ signal: never });
    assert.equal(await authorizer.invalidate(first), false);
    assert.equal(await header(), "Bearer one", "there is no other");
    await Deno.writeTextFile(file, "two");
    assert.equal(await authorizer.invalidate(first), true);
    assert.equal(await header(), "Bearer two");
    assert.equal(await authorizer.invalidate(first), true, "it was replaced before");
  }));

Deno.test("TokenFileAuthorizer keeps the token while the file is missing or incomplete, and logs it once", () =>
  withTokenFile(async ({ file, clock, logger, authorizer, header }) => {
    await Deno.writeTextFile(file, "s3cret-one");
    await header();
    const states = [
      () => Deno.remove(file),
      () => Deno.writeTextFile(file, ""),
      () => Deno.writeTextFile(file, " \n"),
      () => Deno.writeTextFile(file, "s3cret-two with more"),
      () => Deno.writeTextFile(file, "x".repeat(64 * 1024 + 1)),
    ];
    for (const state of states) {
      await state();
      await clock.advance(1000);
      assert.equal(await header(), "Bearer s3cret-one");
    }
    assert.equal(logger.withCode("TOK-006").length, 1);
    assert(!JSON.stringify(logger.lines).includes("s3cret"));
    await Deno.writeTextFile(file, "three");
    await clock.advance(1000);
    assert.equal(await header(), "Bearer three");
    await Deno.remove(file);
    await clock.advance(1000);
    await header();
    assert.equal(logger.withCode("TOK-006").length, 2, "it is news again");
    assert.equal(authorizer.describe().hasToken, true);
  }));

Deno.test("TokenFileAuthorizer reports why it has no first token", () =>
  withTokenFile(async ({ file, directory, authorizer }) => {
    assert.deepEqual(authorizer.describe(), {
      kind: "token_file",
      endpoint: undefined,
      hasToken: false,
      expiresAtMs: undefined,
    });
    const authorize = () => Promise.resolve(authorizer.authorize({ signal: never }));
    const missing = await failureOf(authorize());
    assert.equal(missing.code, "TOK-001");
    assert.match(missing.message, /server "main": the file .*token cannot be read: no such file$/);
    await Deno.writeTextFile(file, "s3cret but\nnot alone");
    assert.match((await failureOf(authorize(), ["s3cret"])).message, /more than the token/);
    await Deno.writeTextFile(file, "");
    assert.match((await failureOf(authorize())).message, /is empty/);
    await Deno.writeTextFile(file, "x".repeat(64 * 1024 + 1));
    assert.match((await failureOf(authorize())).message, /more than 65536 bytes/);
    await Deno.remove(file);
    await Deno.symlink(directory, file);
    assert.equal((await failureOf(authorize())).code, "TOK-001");
  }));

const MORE = "contains more than the token";
const damaged: readonly (readonly [what: string, content: string | Uint8Array, state: string])[] = [
  ["JSON", '{"access_token":"s3cret"}', MORE],
  ["quotes", '"s3cret"', MORE],
  ["the line of an environment file", "ACCESS_TOKEN=s3cret", MORE],
  ["a control character", "s3cret\x00", "cannot be read: it contains NUL characters"],
  ["an escape character", "\x1bs3cret", "contains a control character (U+001B)"],
  ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x73, 0), "cannot be read: it is UTF-16, not UTF-8"],
  ["Latin-1", Uint8Array.of(0x73, 0xe4), "cannot be read: it is not UTF-8"],
];
for (const [what, content, state] of damaged) {
  Deno.test(`TokenFileAuthorizer refuses a damaged file by cause: ${what}`, () =>
    withTokenFile(async ({ file, authorizer }) => {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(file, bytes);
      const error = await failureOf(Promise.resolve(authorizer.authorize({ signal: never })));
      assert.equal(error.code, "TOK-001");
      assert(error.message.includes(`the file ${file} ${state}`), error.message);
      assert(!error.message.includes("s3cret"));
    }));
}

Deno.test("TokenFileAuthorizer reads a token behind a byte order mark", () =>
  withTokenFile(async ({ file, header }) => {
    await Deno.writeTextFile(file, "\uFEFFone\r\n");
    assert.equal(await header(), "Bearer one");
  }));

Deno.test("TokenFileAuthorizer renews on demand, and keeps the current token if that fails", () =>
  withTokenFile(async ({ file, authorizer, header }) => {
    await Deno.writeTextFile(file, "one");
    await header();
    await Deno.writeTextFile(file, "two");
    await authorizer.renew();
    assert.equal(await header(), "Bearer two");
    await Deno.remove(file);
    assert.equal((await failureOf(authorizer.renew())).code, "TOK-001");
    assert.equal(await header(), "Bearer two");
  }));
