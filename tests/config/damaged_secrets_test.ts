import assert from "node:assert/strict";
import { hashPassword } from "../../src/credentials/inbound/password.ts";
import type { Secret } from "../../src/config/values/secret.ts";
import { loadFromMemory, parseSection, problemsOf, sectionProblems } from "./memory_files.ts";

const SECRET = "Xk9~dummy.secret+42";
const PATH = "Servers.main.ClientSecret";

const bytes = (text: string) => new TextEncoder().encode(text);
const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const utf16 = (text: string, order: "le" | "be" = "le") =>
  Uint8Array.from([...text].flatMap((character) => {
    const code = character.charCodeAt(0);
    return order === "le" ? [code & 0xff, code >> 8] : [code >> 8, code & 0xff];
  }));

const withSecret = (secret: string) => ({
  Servers: {
    main: {
      Url: "https://store.example",
      TokenEndpoint: "https://idp.example/token",
      ClientId: "c",
      ClientSecret: secret,
    },
  },
});

async function secretIn(file: Uint8Array): Promise<string> {
  const { servers } = await parseSection(withSecret("${file:/s}"), { files: { "/s": file } });
  const { clientAuthentication } = servers.get("main")!.credentials as never;
  return (clientAuthentication as { clientSecret: Secret }).clientSecret.reveal();
}

for (
  const [form, file] of [
    ["no line break", bytes(SECRET)],
    ["a line break", bytes(`${SECRET}\n`)],
    ["a line break of Windows", bytes(`${SECRET}\r\n`)],
    ["a byte order mark (PowerShell, Notepad)", bytes(`\uFEFF${SECRET}\r\n`)],
  ] as const
) {
  Deno.test(`A secret file with ${form} is read as the secret alone`, async () => {
    assert.equal(await secretIn(file), SECRET);
  });
}

const UTF_16 = "it is UTF-16, not UTF-8: save it as UTF-8, in PowerShell with -Encoding utf8";
const LATIN_1 = "it is not UTF-8, perhaps Latin-1 or Windows-1252: save it as UTF-8";
const NUL = "it contains NUL characters: write it as plain text";
const DER = "it is binary (DER or PKCS#12), not text: convert it to PEM, with " +
  "`openssl x509 -inform der`, `openssl pkey -inform der` or `openssl pkcs12 -nodes`";

const undecodable: readonly (readonly [what: string, bytes: Uint8Array, failure: string])[] = [
  ["UTF-16 with a mark", utf16(`\uFEFF${SECRET}\r\n`), UTF_16],
  ["big-endian UTF-16 with a mark", utf16(`\uFEFF${SECRET}`, "be"), UTF_16],
  ["UTF-16 without a mark", utf16(`${SECRET}\r\n`), UTF_16],
  ["big-endian UTF-16 without a mark", utf16(`${SECRET}\n`, "be"), UTF_16],
  ["Latin-1", latin1("p\xE4ss-w\xF6rd\n"), LATIN_1],
  ["UTF-8 that is cut off", bytes("pä").slice(0, -1), LATIN_1],
  ["padded with NUL", bytes(`${SECRET}\0\0`), NUL],
  ["one NUL", bytes("\0"), NUL],
  ["a long DER", Uint8Array.of(0x30, 0x82, 0x01, 0x22, 0x30), DER],
  ["a short DER", Uint8Array.of(0x30, 0x04, 0x02, 0x02, 0x00, 0x01), DER],
];
for (const [what, content, failure] of undecodable) {
  Deno.test(`A secret file is refused by name and cause: ${what}`, async () => {
    assert.deepEqual(
      await sectionProblems(withSecret("${file:/s}"), { files: { "/s": content } }),
      [`CFG-002 ${PATH}: the file /s cannot be read: ${failure}`],
    );
  });

  Deno.test(`A file of users is refused by name and cause: ${what}`, async () => {
    const section = {
      Authentication: { Basic: { UsersFile: "/s" } },
      Servers: { main: { ProviderType: "none", Url: "https://store.example" } },
    };
    assert.deepEqual(await sectionProblems(section, { files: { "/s": content } }), [
      `CFG-002 Authentication.Basic.UsersFile: the file /s cannot be read: ${failure}`,
    ]);
  });

  Deno.test(`A configuration is refused by cause: ${what}`, async () => {
    const message = `the file cannot be read: ${failure}`;
    await assert.rejects(loadFromMemory(content), {
      problems: [{ code: "CFG-002", path: "", message }],
    });
  });
}

Deno.test("A file of secrets that begins like DER but is text is read", async () => {
  const text = `0A${"x".repeat(0x41)}`;
  assert.equal(await secretIn(bytes(text)), text);
});

const SEVERAL = "contains several lines instead of only the value";
const BREAK = "contains a line break before or after the value: write it without";
const CRLF =
  "ends with a carriage return, as from an environment file with Windows line breaks (CRLF)";

const faulty: readonly (readonly [what: string, content: string, fault: string])[] = [
  ["a second line break", `${SECRET}\n\n`, BREAK],
  ["a second line break of Windows", `${SECRET}\r\n\r\n`, BREAK],
  ["an empty first line", `\n${SECRET}\n`, BREAK],
  ["several lines", `# the secret\n${SECRET}\n`, SEVERAL],
  ["a bell", `${SECRET}\x07`, "contains a control character (U+0007)"],
  ["a control character of Latin-1", `\x85${SECRET}`, "contains a control character (U+0085)"],
  [
    "a character that was not decoded",
    `p\uFFFDss`,
    "is not UTF-8, perhaps Latin-1 or Windows-1252",
  ],
  ["nothing", "", "is empty"],
  ["only a line break", "\n", "is empty"],
  ["only blanks", "  \n", "contains only blanks"],
];
for (const [what, content, fault] of faulty) {
  Deno.test(`A secret file cannot be right, and is named: ${what}`, async () => {
    assert.deepEqual(
      await sectionProblems(withSecret("${file:/s}"), { files: { "/s": content } }),
      [`CFG-002 ${PATH}: the file /s ${fault}`],
    );
  });
}

for (
  const [what, value, fault] of [
    ["the CR of a CRLF environment file", `${SECRET}\r`, CRLF],
    ["a line break", `${SECRET}\n`, BREAK],
    ["several lines", `a\nb`, SEVERAL],
    ["an escape character", `\x1b[0m${SECRET}`, "contains a control character (U+001B)"],
    ["a value that is no text", "\uFFFD", "is not UTF-8, perhaps Latin-1 or Windows-1252"],
  ] as const
) {
  Deno.test(`A variable with a secret cannot be right, and is named: ${what}`, async () => {
    assert.deepEqual(await sectionProblems(withSecret("${S}"), { env: { S: value } }), [
      `CFG-002 ${PATH}: the environment variable S ${fault}`,
    ]);
  });
}

Deno.test("A variable of any key must not end with the CR of an environment file", async () => {
  const section = { ...withSecret("s3cret"), LogLevel: "${LEVEL}" };
  assert.deepEqual(await sectionProblems(section, { env: { LEVEL: "INFO\r" } }), [
    `CFG-002 LogLevel: the environment variable LEVEL ${CRLF}`,
  ]);
});

Deno.test("A damaged variable within a default counts only if the default is used", async () => {
  const section = withSecret("${A:-${B}}");
  assert.deepEqual(await sectionProblems(section, { env: { A: SECRET, B: "b\r" } }), []);
  assert.deepEqual(await sectionProblems(section, { env: { B: "b\r" } }), [
    `CFG-002 ${PATH}: the environment variable B ${CRLF}`,
  ]);
});

const BLANK = "starts or ends with a blank, which is used as a part of the value";
const QUOTES = "is in quotes, which are used as a part of the value";
const ASSIGNMENT = "looks like NAME=value: all of it is used as the value";
const JSON_TEXT = "looks like JSON: all of it is used as the value";
const ESCAPE =
  "ends with a backslash and a letter in place of a line break, which are used as a part of the value";

const doubtful: readonly (readonly [what: string, value: string, doubt: string])[] = [
  ["a blank at its end", `${SECRET} `, BLANK],
  ["a blank at its start", ` ${SECRET}`, BLANK],
  ["double quotes", `"${SECRET}"`, QUOTES],
  ["single quotes", `'${SECRET}'`, QUOTES],
  ["the line of an environment file", `CLIENT_SECRET=${SECRET}`, ASSIGNMENT],
  ["the line of a shell", `export SECRET=${SECRET}`, ASSIGNMENT],
  ["the line of a properties file", `clientSecret = ${SECRET}`, ASSIGNMENT],
  ["the line of a YAML file", `clientSecret: ${SECRET}`, ASSIGNMENT],
  ["the JSON of a secret store", `{"clientSecret":"${SECRET}"}`, JSON_TEXT],
  ["an escaped line break", `${SECRET}\\n`, ESCAPE],
];
for (const [what, value, doubt] of doubtful) {
  Deno.test(`A doubtful secret is used, with a warning that names its source: ${what}`, async () => {
    const file = await parseSection(withSecret("${file:/s}"), { files: { "/s": `${value}\n` } });
    assert.deepEqual(file.warnings, [`DicomWebOAuth.${PATH}: the file /s ${doubt}`]);
    const variable = await parseSection(withSecret("${S}"), { env: { S: value } });
    assert.deepEqual(variable.warnings, [
      `DicomWebOAuth.${PATH}: the environment variable S ${doubt}`,
    ]);
    assert(!JSON.stringify([file.warnings, variable.warnings]).includes(SECRET));
  });
}

for (
  const secret of [
    SECRET,
    "c2VjcmV0==",
    "QUJD=",
    "key=value",
    `"half`,
    "it's",
    `"`,
    "with a blank inside",
    "{not json}",
    "domain: x",
    "C:\\new",
  ]
) {
  Deno.test(`An undamaged secret causes no warning: ${secret}`, async () => {
    const { warnings } = await parseSection(withSecret("${S}"), { env: { S: secret } });
    assert.deepEqual(warnings, []);
  });
}

Deno.test("A doubtful secret in the configuration itself causes a warning", async () => {
  const { warnings } = await loadFromMemory({ DicomWebOAuth: withSecret(`${SECRET} `) });
  assert(warnings.includes(`DicomWebOAuth.${PATH}: ${BLANK}`), warnings.join("\n"));
});

for (const [character, code] of [["\xA0", "U+00A0"], ["ä", "U+00E4"], ["\u200B", "U+200B"]]) {
  Deno.test(`A client's secret is printable ASCII (RFC 6749, A.2), not ${code}`, async () => {
    const rule = `contains ${code} where only printable ASCII is allowed (RFC 6749, appendix A)`;
    const value = `x${character}x`;
    assert.deepEqual(await sectionProblems(withSecret("${S}"), { env: { S: value } }), [
      `CFG-002 ${PATH}: the environment variable S ${rule}`,
    ]);
    assert.deepEqual(await sectionProblems(withSecret(value)), [`CFG-002 ${PATH}: ${rule}`]);
  });
}

Deno.test("A password may contain letters beyond ASCII, but no control characters", async () => {
  const withPassword = (password: string) => ({
    Servers: {
      main: {
        ProviderType: "basic",
        Url: "https://store.example",
        Username: "jürgen",
        Password: password,
      },
    },
  });
  assert.deepEqual(await sectionProblems(withPassword("Prüfung§")), []);
  assert.deepEqual((await parseSection(withPassword("a\u200Bb"))).warnings, [
    "DicomWebOAuth.Servers.main.Password: contains an invisible character (U+200B)",
  ]);
  assert.deepEqual(await sectionProblems(withPassword("a\tb")), [
    "CFG-002 Servers.main.Password: must not contain control characters",
  ]);
});

Deno.test("A configuration in UTF-8 with a byte order mark is read", async () => {
  assert.deepEqual(
    await problemsOf(bytes(`\uFEFF${JSON.stringify({ DicomWebOAuth: withSecret("s") })}`)),
    [],
  );
});

Deno.test("A byte order mark is no part of the first user's name", async () => {
  const hash = await hashPassword("correct horse battery staple");
  const { authentication } = await parseSection({
    Authentication: { Basic: { UsersFile: "/users" } },
    ...withSecret("s"),
  }, { files: { "/users": `\uFEFFanna:${hash}\r\n` } });
  assert.deepEqual([...authentication?.users.keys() ?? []], ["anna"]);
});

const STORE = "https://store.example";
const direct: readonly (readonly [
  variable: string,
  problem: string,
  section: Record<string, unknown>,
  env: Record<string, string>,
])[] = [
  [
    "AWS_SECRET_ACCESS_KEY",
    "CFG-002 Servers.main.CredentialSource",
    {
      Servers: {
        main: {
          ProviderType: "aws",
          Url: STORE,
          Region: "eu-central-1",
          CredentialSource: "environment",
        },
      },
    },
    { AWS_ACCESS_KEY_ID: "ASIAENVIRONMENT00000" },
  ],
  [
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "CFG-002 Servers.main.CredentialSource",
    {
      Servers: {
        main: {
          ProviderType: "aws",
          Url: STORE,
          Region: "eu-central-1",
          CredentialSource: "container",
        },
      },
    },
    { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/credentials" },
  ],
  [
    "IDENTITY_HEADER",
    "CFG-002 Servers.main.IdentityPlatform",
    { Servers: { main: { ProviderType: "azuremanagedidentity", Url: STORE } } },
    { IDENTITY_ENDPOINT: "http://127.0.0.1:41741/msi/token" },
  ],
  [
    "DENO_KV_ACCESS_TOKEN",
    "CFG-002 TokenCache.Url",
    {
      TokenCache: {
        Backend: "kv",
        Url: "https://kv.example",
        EncryptionKey: `${"A".repeat(43)}=`,
      },
      ...withSecret("s"),
    },
    {},
  ],
];
for (const [variable, at, section, env] of direct) {
  Deno.test(`The secret in ${variable} must not end with the CR of an environment file`, async () => {
    assert.deepEqual(await sectionProblems(section, { env: { ...env, [variable]: "s3cret" } }), []);
    assert.deepEqual(
      await sectionProblems(section, { env: { ...env, [variable]: "s3cret\r" } }),
      [`${at}: the environment variable ${variable} ${CRLF}`],
    );
  });
}
