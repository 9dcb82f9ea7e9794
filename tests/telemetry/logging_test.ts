import assert from "node:assert/strict";
import { configureLogging, createLogger } from "../../src/telemetry/logging.ts";

function logged(format: "text" | "json", log: () => void): string[] {
  const lines: string[] = [];
  configureLogging({ level: "debug", format, write: (line) => lines.push(line) });
  log();
  return lines;
}

for (const format of ["text", "json"] as const) {
  Deno.test(`logging (${format}): secrets are redacted by field name and by form`, () => {
    const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9mLWl0";
    const [line = ""] = logged(
      format,
      () =>
        createLogger("test").error(`got Bearer abcdef123 and ${jwt}`, {
          clientSecret: "marked-1",
          nested: { password: "marked-2", authorization: "marked-3" },
          access_token: "marked-4",
          header: "Basic bWFya2VkLTU=",
          server: "main",
        }),
    );
    assert.doesNotMatch(line, /marked|abcdef123|eyJ|bWFya2Vk/);
    assert.match(line, /main/);
  });

  Deno.test(`logging (${format}): a value cannot forge a line`, () => {
    const lines = logged(format, () =>
      createLogger("test").warn("first\nsecond {placeholder}", {
        placeholder: "filled",
        reason: "a\nb",
      }));
    assert.equal(lines.length, 1);
    assert.equal(lines[0]?.trimEnd().split("\n").length, 1);
    assert.match(lines[0] ?? "", /\{placeholder\}/);
  });
}

Deno.test("logging: lines below the level are not written", () => {
  const lines: string[] = [];
  configureLogging({ level: "warning", format: "text", write: (line) => lines.push(line) });
  const logger = createLogger("test");
  logger.debug("a");
  logger.info("b");
  logger.warn("c");
  assert.equal(lines.length, 1);
});

Deno.test("logging (json): a line is one JSON object with its fields", () => {
  const [line = ""] = logged("json", () => createLogger("test").info("hello", { server: "main" }));
  const parsed = JSON.parse(line);
  assert.equal(parsed.message, "hello");
  assert.equal(parsed.server, "main");
  assert.equal(parsed.level, "INFO");
});

Deno.test("logging: a category may have its own level, below or above the others'", () => {
  const lines: string[] = [];
  const levels = { credentials: "debug", gateway: "error" } as const;
  configureLogging({ level: "info", levels, format: "json", write: (line) => lines.push(line) });
  for (const category of ["credentials", "gateway", "upstream"]) {
    const logger = createLogger(category);
    logger.debug(`${category} debug`);
    logger.warn(`${category} warn`);
  }
  assert.deepEqual(lines.map((line) => JSON.parse(line).message), [
    "credentials debug",
    "credentials warn",
    "upstream warn",
  ]);
});
