/** Configuration errors contain no secret, whatever the mistake. */
import assert from "node:assert/strict";
import { OPENSSL } from "../fixtures/certificate_authority.ts";
import { within } from "../fixtures/deadline.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { assertNoLeaks, LIMIT_MS, type Parts, withParts } from "./leak_bench.ts";
import { markedServers } from "./marked_servers.ts";
import { runCommand } from "../fixtures/gateway_command.ts";

/** Mistakes in the value of a key. */
const MISTAKES: readonly ((value: string) => unknown)[] = [
  (value) => [value],
  (value) => ({ value }),
  (value) => `${value} \${`,
  (value) => `-----BEGIN PRIVATE KEY-----\n${value}\n-----END PRIVATE KEY-----`,
  (value) => `{"kty":"RSA","d":"${value}"}`,
  (value) => `https://user:${value}@host.test:port/#${value}`,
  (value) => `${value}\n\u0000`,
];

Deno.test(needing(OPENSSL, {
  name: "Configuration errors never contain a secret, whatever the mistake",
  fn: () => within(LIMIT_MS, "all mistakes", withParts(mistakeInEveryWay)),
}));

async function mistakeInEveryWay(parts: Parts): Promise<void> {
  const { secrets, directory } = parts;
  const { servers, env } = await markedServers(parts);
  const wrong: Record<string, unknown> = {};
  for (const [name, { keys }] of servers) {
    const texts = Object.entries(keys).filter(([, value]) => typeof value === "string");
    for (const [key, value] of texts) {
      for (const [index, mistake] of MISTAKES.entries()) {
        wrong[`${name}-${key}-${index}`] = { ...keys, [key]: mistake(String(value)) };
      }
    }
  }
  const mark = secrets.make("a value out of place");
  const sections: Record<string, unknown>[] = [
    { Servers: wrong },
    ...MISTAKES.map((mistake) => ({
      TokenCache: { Backend: "redis", Url: mistake(mark), EncryptionKey: mistake(mark) },
      Proxy: { Url: mistake(mark), Username: mistake(mark), Password: mistake(mark) },
      Listen: { Address: mistake(mark), Port: mistake(mark) },
      [mark]: mark,
      Servers: { [mark]: mistake(mark) },
    })),
  ];
  const files = sections.map((section) => JSON.stringify({ DicomWebOAuth: section }));
  const whole = JSON.stringify({
    DicomWebOAuth: {
      Servers: Object.fromEntries([...servers].map(([name, { keys }]) => [name, keys])),
    },
  });
  // Cut off within a secret, and with something missing next to one.
  files.push(whole.slice(0, whole.indexOf("ClientSecret") + 30), whole.replace('":"', '" "'));
  let errors = "";
  for (const text of files) {
    const file = `${directory}/gateway.json`;
    await Deno.writeTextFile(file, text);
    for (const command of ["check", "serve"]) {
      const args = [command, "--config", file, "--verbose"];
      const { code, stdout, stderr } = await runCommand(args, { env });
      const output = stdout + stderr;
      assert.equal(code, 78, output);
      errors += output;
    }
  }
  // The name of an unknown key is reported, as it has to be corrected.
  assertNoLeaks(parts, errors.replaceAll(mark, ""));
  assert(errors.split("CFG-00").length > 500, "few mistakes were found");
}
