import assert from "node:assert/strict";
import { MarkedSecrets } from "./marked_secrets.ts";

const secrets = new MarkedSecrets();
const secret = secrets.make("secret", { special: "/+ä ~" });
const base64 = (text: string) => new TextEncoder().encode(text).toBase64();

const found: [name: string, text: string][] = [
  ["in plain text", `client secret ${secret} is wrong`],
  ["by its first eight characters", `${secret.slice(0, 8)}…`],
  ["by eight characters of its middle", secret.slice(11, 19)],
  ["in base64", base64(secret)],
  ["in base64 after a name, as in Basic", `Basic ${base64(`gateway:${secret}`)}`],
  ["in base64 after another name", base64(`gateway1:${secret}`)],
  ["in base64 after a third name", base64(`gateway12:${secret}`)],
  [
    "in base64url",
    base64(`{"secret":"${secret}"}`).replaceAll("+", "-").replaceAll("/", "_"),
  ],
  ["URL-encoded", encodeURIComponent(secret)],
  ["form-encoded", `${new URLSearchParams({ secret })}`],
  ["in JSON", JSON.stringify({ secret })],
  ["in hexadecimal", new TextEncoder().encode(secret).toHex()],
];

for (const [name, text] of found) {
  Deno.test(`MarkedSecrets finds a secret ${name}`, () => {
    assert.deepEqual(secrets.findIn(`before ${text} after`).map(({ secret }) => secret), [
      "secret",
    ]);
  });
}

Deno.test("MarkedSecrets finds no secret in other text", () => {
  const other = new MarkedSecrets();
  const text = Array.from({ length: 2000 }, (_, i) => other.make(`${i}`)).join(" ");
  assert.deepEqual(secrets.findIn(`${text} ${secret.slice(0, 7)} ${secret.slice(-7)}`), []);
});

Deno.test("MarkedSecrets finds bytes, such as those of a private key", () => {
  const keys = new MarkedSecrets();
  const d = crypto.getRandomValues(new Uint8Array(32));
  keys.add("key", d);
  assert.equal(keys.findIn(new Uint8Array([1, 2, 3, 4, ...d, 5]).toBase64()).length, 1);
});
