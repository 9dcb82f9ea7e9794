import assert from "node:assert/strict";
import { quoteProvider } from "../../src/credentials/provider_text.ts";

const SECRET = "Ab8~q/+ä 0123456789";
const base64 = (text: string) => new TextEncoder().encode(text).toBase64();

const rows: [name: string, text: string, quoted: string][] = [
  ["as it is", `"${SECRET}" is wrong`, '"[hidden]" is wrong'],
  ["behind a line break", `bad secret\r\n${SECRET}`, "bad secret [hidden]"],
  ["twice", `${SECRET} ${SECRET}`, "[hidden] [hidden]"],
  ["its first eight characters", `${SECRET.slice(0, 8)}… is wrong`, "[hidden]… is wrong"],
  ["its last eight characters", `…${SECRET.slice(-8)}`, "…[hidden]"],
  ["URL-encoded", `s=${encodeURIComponent(SECRET)}&x`, "s=[hidden]&x"],
  ["form-encoded", new URLSearchParams({ s: SECRET }).toString(), "s=[hidden]"],
  ["percent-encoded twice", `s=${encodeURIComponent(encodeURIComponent(SECRET))}`, "s=[hidden]"],
  [
    "in JSON in JSON",
    `{\\"s\\":\\"${SECRET.replace("/", "\\\\\\/")}\\"}`,
    '{\\"s\\":\\"[hidden]\\"}',
  ],
  ["in ASCII JSON", SECRET.replace("ä", "\\u00e4").replace("+", "\\u002B"), "[hidden]"],
  ["in HTML", SECRET.replace("/", "&#x2F;").replace("+", "&#43;"), "[hidden]"],
  ["in base64", `x ${base64(SECRET)}`, "x [hidden]"],
  ["in base64url", base64(SECRET).replaceAll("+", "-").replaceAll("/", "_"), "[hidden]"],
];

for (const [name, text, quoted] of rows) {
  Deno.test(`quoteProvider hides a secret ${name}`, () => {
    assert.equal(quoteProvider(text, 300, [SECRET]), quoted);
  });
}

for (const before of ["a:", "ab:", "abc:"]) {
  Deno.test(`quoteProvider hides nearly all of a secret in the base64 of ${before}secret`, () => {
    const quoted = quoteProvider(base64(before + SECRET), 300, [SECRET]);
    assert.match(quoted, /^\w{0,8}\[hidden\].{0,6}$/);
  });
}

Deno.test("quoteProvider hides short secrets, and keeps the rest", () => {
  assert.equal(
    quoteProvider("pass: s3cr; user: me", 300, ["s3cr", ""]),
    "pass: [hidden]; user: me",
  );
});

Deno.test("quoteProvider keeps words that merely resemble a secret", () => {
  const said = "AADSTS700016: Application with identifier '00000000' was not found";
  assert.equal(quoteProvider(said, 300, ["with a secret", "00000001"]), said);
});

Deno.test("quoteProvider hides a secret before it truncates the text", () => {
  assert.equal(quoteProvider(`12345${SECRET}`, 10, [SECRET]), "12345[hid…");
});

Deno.test("quoteProvider keeps words that resemble a short secret in base64", () => {
  // The words of RFC 6749, section 5.2, and all secrets of one to three bytes whose base64 is in them.
  const words = [
    "invalid_client",
    "unauthorized_client",
    "invalid_request",
    "unsupported_grant_type",
  ];
  const secrets = words.flatMap((word) =>
    [1, 2, 3, 4].flatMap((size) =>
      Array.from(word.replaceAll("_", "/"), (_, at) => word.slice(at, at + size))
        .filter((piece) => piece.length === size)
        .map((piece) => atob(piece.replaceAll("_", "/").padEnd(4, "A")).slice(0, size - 1 || 1))
    )
  ).filter((secret) => secret !== "" && words.every((word) => !word.includes(secret)));
  assert(secrets.length > 50);
  for (const word of words) {
    for (const secret of secrets) assert.equal(quoteProvider(word, 100, [secret]), word);
  }
});

Deno.test("quoteProvider hides a secret of four bytes in base64", () => {
  assert.equal(quoteProvider(`key ${base64("s3cr")}`, 300, ["s3cr"]), "key [hidden]");
});
