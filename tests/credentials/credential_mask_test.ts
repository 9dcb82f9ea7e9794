import assert from "node:assert/strict";
import { CredentialMask } from "../../src/credentials/credential_mask.ts";
import { basicAuthorization } from "../../src/credentials/fixed/fixed_headers_authorizer.ts";

const TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJnYXRld2F5In0.c2ln/bmF0+dXJl_-~==";
const AWS = {
  authorization: "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/medical-imaging/" +
    `aws4_request, SignedHeaders=host;x-amz-date, Signature=${"0123456789abcdef".repeat(4)}`,
  "x-amz-date": "20260101T000000Z",
  "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "x-amz-security-token": "IQoJb3JpZ2luX2VjE+/session==",
};
const KEY = `a"b\\c<d>&e'f g;h?`;

/** Headers of each credential scheme, and the strings that must not reach the client. */
const CREDENTIALS: [kind: string, headers: Record<string, string>, secrets: string[]][] = [
  ["bearer token", { authorization: `Bearer ${TOKEN}` }, [TOKEN]],
  ["DPoP token and proof", { authorization: `DPoP ${TOKEN}`, dpop: "eyJ0eXAi.eyJqdGki.c2ln" }, [
    TOKEN,
    "eyJ0eXAi.eyJqdGki.c2ln",
  ]],
  ["Basic", { authorization: basicAuthorization("gateway", "pä+ss/w:rd") }, [
    basicAuthorization("gateway", "pä+ss/w:rd").slice(6),
    "pä+ss/w:rd",
  ]],
  ["AWS signature and session token", AWS, [
    "0123456789abcdef".repeat(4),
    AWS["x-amz-security-token"],
  ]],
  ["fixed header", { "x-api-key": KEY }, [KEY]],
  ["fixed header with a scheme of its own", { authorization: `Key ${KEY}` }, [KEY]],
];

const html = (text: string) =>
  text.replace(
    /[&<>"']/g,
    (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[char]!,
  );
const base64 = (text: string) => new TextEncoder().encode(text).toBase64();
const each = (text: string, write: (code: number) => string) =>
  text.replace(/[^A-Za-z0-9\u0080-\uFFFF]/g, (char) => write(char.charCodeAt(0)));
const hex = (code: number, size = 2) => code.toString(16).padStart(size, "0");

/** Spellings of an echoed header. */
const ECHOES: [form: string, write: (text: string) => string][] = [
  ["as it is", (text) => text],
  ["in JSON", (text) => JSON.stringify(text)],
  ["in JSON with escaped slashes (PHP)", (text) => JSON.stringify(text).replaceAll("/", "\\/")],
  ["in JSON for HTML (.NET)", (text) => each(text, (code) => `\\u${hex(code, 4).toUpperCase()}`)],
  ["in JSON within JSON", (text) => JSON.stringify(JSON.stringify(text))],
  ["in HTML", html],
  ["in HTML, every sign as a number", (text) => each(text, (code) => `&#${code};`)],
  [
    "in HTML, every sign as a hexadecimal number",
    (text) => each(text, (code) => `&#x${hex(code)};`),
  ],
  ["in HTML twice", (text) => html(html(text))],
  ["percent-encoded", encodeURIComponent],
  ["percent-encoded in lower case", (text) => each(text, (code) => `%${hex(code)}`)],
  ["percent-encoded twice", (text) => encodeURIComponent(encodeURIComponent(text))],
  ["form-encoded", (text) => new URLSearchParams({ s: text }).toString()],
  ["in a script", (text) => each(text, (code) => `\\x${hex(code)}`)],
  ["in base64", (text) => base64(text)],
  ["in JSON as ASCII (Python)", (text) =>
    JSON.stringify(text).replace(
      /[\u0080-\uFFFF]/g,
      (char) => `\\u${hex(char.charCodeAt(0), 4)}`,
    )],
  ["in base64, at the second alignment", (text) => base64(`a${text}`)],
  ["in base64, at the third alignment", (text) => base64(`ab${text}`)],
  ["in base64url", (text) => base64(text).replaceAll("+", "-").replaceAll("/", "_")],
];

function pieces(
  bytes: Uint8Array<ArrayBuffer>,
  size: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

/** Whether more than 6 characters of a form of a secret are left. */
function isLeft(text: string, form: string): boolean {
  for (let at = 0; at + 12 <= form.length; at++) {
    if (text.includes(form.slice(at, at + 12))) return true;
  }
  return form.length < 12 && text.includes(form);
}

for (const [kind, headers, secrets] of CREDENTIALS) {
  for (const [form, write] of ECHOES) {
    Deno.test(`CredentialMask hides a ${kind} that a store echoes ${form}`, async () => {
      for (const size of [1, 7, 100_000]) {
        for (const secret of secrets) {
          const echo = `<p>You sent: ${write(secret)}</p> and no more`;
          const body = new TextEncoder().encode(echo + "x".repeat(500) + echo);
          const response = new CredentialMask(headers).mask(
            new Response(pieces(body, size), { status: 403 }),
          );
          const masked = await response.bytes();
          assert.equal(masked.length, body.length, "the body keeps its length");
          const text = new TextDecoder().decode(masked);
          assert(!isLeft(text, write(secret)), `${size}: ${text.slice(0, 300)}`);
          assert.equal(text.match(/<p>You sent: /g)?.length, 2);
          assert.equal(text.match(/<\/p> and no more/g)?.length, 2);
        }
      }
    });
  }
}

Deno.test("CredentialMask hides the credential in headers, and keeps the rest of them", () => {
  const response = new CredentialMask({ authorization: `Bearer ${TOKEN}` }).mask(
    new Response("x", {
      status: 401,
      headers: { "x-echo": `Bearer ${TOKEN}`, "content-length": "1", etag: '"1"', "x-other": "a" },
    }),
  );
  assert.equal(response.status, 401);
  assert.deepEqual(Object.fromEntries(response.headers), {
    "content-length": "1",
    "content-type": "text/plain;charset=UTF-8",
    "x-echo": `${"*".repeat(TOKEN.length + 7)}`,
    "x-other": "a",
  });
});

Deno.test("CredentialMask hides a token of 60,000 characters, whatever they are", async () => {
  for (const token of ["Ab3".repeat(20_000), "-".repeat(60_000), "a-_.b".repeat(12_000)]) {
    const mask = new CredentialMask({ authorization: `Bearer ${token}` });
    const response = new Response(`You sent ${token}, ${base64(token)}`, { status: 400 });
    const text = await mask.mask(response).text();
    assert.match(text, /^You sent \*{60000}, \*+=*$/);
  }
});

Deno.test("CredentialMask hides a secret with several readings", async () => {
  const secret = String.raw`\\\&amp;&\key`;
  const mask = new CredentialMask({ "x-api-key": secret });
  for (const written of [secret, JSON.stringify(secret), html(secret), html(html(secret))]) {
    const text = await mask.mask(new Response(`<${written}>`, { status: 400 })).text();
    assert.match(text, /^<[*"]+>$/);
  }
});

Deno.test("CredentialMask pauses for other requests while it searches a page of 32 MB", async () => {
  const page = new Uint8Array(32 * 1024 * 1024).fill(0x61);
  let turns = 0;
  const others = setInterval(() => turns++, 0);
  const mask = new CredentialMask({ authorization: `Bearer ${TOKEN}` });
  const masked = mask.mask(new Response(pieces(page, page.length), { status: 400 })).body!;
  let length = 0;
  for await (const piece of masked) length += piece.length;
  clearInterval(others);
  assert.equal(length, page.length);
  assert.ok(turns > 4, `${turns} turns`);
});

Deno.test("CredentialMask changes no byte outside the credential", async () => {
  const body = Uint8Array.from({ length: 200_000 }, (_, i) => i * 31 % 256);
  for (const size of [1, 1000, 65_536]) {
    const mask = new CredentialMask(AWS);
    const masked = await mask.mask(new Response(pieces(body, size), { status: 500 })).bytes();
    assert.deepEqual(masked, body);
  }
  const message = "InvalidSignature for AKIAEXAMPLE at 20260101T000000Z, AWS4-HMAC-SHA256";
  const response = new CredentialMask(AWS).mask(new Response(message, { status: 403 }));
  assert.equal(await response.text(), message);
});

Deno.test("CredentialMask removes a body in a content coding that was not decoded", async () => {
  const response = new CredentialMask({ authorization: `Bearer ${TOKEN}` }).mask(
    new Response(TOKEN, {
      status: 500,
      headers: { "content-encoding": "zstd", "content-length": "9" },
    }),
  );
  assert.equal(await response.text(), "");
  assert.equal(response.headers.has("content-encoding"), false);
  assert.equal(response.headers.has("content-length"), false);
});

Deno.test("CredentialMask returns the response unchanged if the request had no credential", () => {
  const response = new Response("x", { status: 404 });
  assert.equal(new CredentialMask({}).mask(response), response);
});

Deno.test("CredentialMask fails when the body fails", async () => {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.error(new Error("broke off")),
  });
  const mask = new CredentialMask({ authorization: `Bearer ${TOKEN}` });
  await assert.rejects(mask.mask(new Response(body, { status: 500 })).text(), /broke off/);
});

Deno.test("CredentialMask takes linear time for bodies that resemble the credential", async () => {
  const mask = new CredentialMask({ authorization: `Bearer ${"A".repeat(4000)}b` });
  const response = mask.mask(
    new Response("A".repeat(3999) + "c" + "ab".repeat(500_000), { status: 500 }),
  );
  assert.equal((await response.text()).length, 1_004_000);
});
