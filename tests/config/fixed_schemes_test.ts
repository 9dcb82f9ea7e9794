/**
 * The rules of the fixed credential schemes: bearer token, Basic, fixed headers.
 */
import assert from "node:assert/strict";
import type { GatewayConfig } from "../../src/config/gateway_config.ts";
import { permissionSet } from "../../src/config/sandbox/permission_set.ts";
import { assertProblem, parseSection, reachOf, serverProblems } from "./memory_files.ts";

type Keys = Readonly<Record<string, unknown>>;

function load(keys: Keys): Promise<GatewayConfig> {
  return parseSection({ Servers: { main: { Url: "https://store.example", ...keys } } }, {
    env: { TOKEN: "from-env" },
    files: { "/run/secrets/token": "from-file\n" },
  });
}

Deno.test("A bearer token may come from a variable or a file that is read once", async () => {
  for (
    const [Token, value] of [["${TOKEN}", "from-env"], ["${file:/run/secrets/token}", "from-file"]]
  ) {
    const config = await load({ ProviderType: "bearer", Token });
    const found = config.servers.get("main")!.credentials;
    assert(found.kind === "static_token");
    assert.equal(found.token.reveal(), value);
    assert.deepEqual(reachOf(config), { urls: [], localUrls: [], files: [], state: false });
  }
});

Deno.test("A token file is relative to the configuration, and the one file a worker may read", async () => {
  const absolute = await load({ ProviderType: "bearer", TokenFile: "/run/token" });
  assert.deepEqual(permissionSet(absolute).read, ["/run/token"]);
  assert.equal(permissionSet(absolute).write, false);
  const relative = await load({ ProviderType: "bearer", TokenFile: "../token" });
  assert.deepEqual(permissionSet(relative).read, ["/srv/token"]);
});

Deno.test("Secrets of Basic and fixed headers are never printed", async () => {
  const basic = await load({ ProviderType: "basic", Username: "u", Password: "hunter2 ä" });
  const headers = await load({ ProviderType: "headers", Headers: { "X-Api-Key": "hunter2" } });
  for (const config of [basic, headers]) {
    const told = Deno.inspect(config, { depth: 9 }) + JSON.stringify([...config.servers]);
    assert(!told.includes("hunter2"), told);
    assert.deepEqual(permissionSet(config).read, false);
  }
  const found = headers.servers.get("main")!.credentials;
  assert(found.kind === "headers");
  assert.equal(found.headers["x-api-key"]?.reveal(), "hunter2");
});

const wrong: readonly (readonly [keys: Keys, problem: string])[] = [
  [{ ProviderType: "bearer" }, "CFG-001 Token: A bearer token needs Token or TokenFile"],
  [
    { ProviderType: "bearer", Token: "a", TokenFile: "b" },
    "CFG-002 TokenFile: conflicts with Token; remove one",
  ],
  [{ ProviderType: "bearer", Token: "a b" }, "CFG-002 Token: must be a token"],
  [{ ProviderType: "bearer", Token: "" }, "CFG-002 Token: must not be empty"],
  [{ ProviderType: "bearer", TokenFile: "" }, "CFG-002 TokenFile: must not be empty"],
  [
    { ProviderType: "bearer", Token: "a", Scope: "b" },
    'CFG-002 Scope: belongs to ProviderType "',
  ],
  [{ ProviderType: "basic", Password: "p" }, "CFG-001 Username: Basic needs Username"],
  [{ ProviderType: "basic", Username: "u" }, "CFG-001 Password: Basic needs Password"],
  [
    { ProviderType: "basic", Username: "a:b", Password: "p" },
    "CFG-002 Username: must not contain a colon",
  ],
  [
    { ProviderType: "basic", Username: "u", Password: "a\nb" },
    "CFG-002 Password: must not contain control characters",
  ],
  [{ ProviderType: "headers" }, "CFG-001 Headers: Fixed headers needs Headers"],
  [{ ProviderType: "headers", Headers: {} }, "CFG-001 Headers: must name at least one header"],
  [
    { ProviderType: "headers", Headers: { "X Key": "a" } },
    'CFG-002 Headers["X Key"]: is not a header name',
  ],
  [
    { ProviderType: "headers", Headers: { Host: "a" } },
    "CFG-002 Headers.Host: is set by the gateway; remove it",
  ],
  ...["Range", "If-None-Match", "If-Modified-Since", "Content-Range", "Sec-WebSocket-Key"].map(
    (name): [Record<string, unknown>, string] => [
      { ProviderType: "headers", Headers: { [name]: "a" } },
      `CFG-002 Headers.${name}: changes the meaning of the request it is sent with`,
    ],
  ),
  [
    { ProviderType: "headers", Headers: { "X-Key": "a", "x-key": "b" } },
    "CFG-002 Headers.x-key: is listed twice",
  ],
  [
    { ProviderType: "headers", Headers: { "X-Key": "a\r\nX-Other: b" } },
    "CFG-002 Headers.X-Key: must be a header's value",
  ],
  [{ ProviderType: "headers", Headers: { "X-Key": 1 } }, "CFG-002 Headers.X-Key: must be a string"],
  [
    { ProviderType: "none", HttpHeaders: { "X-Key": "a" } },
    'CFG-002 HttpHeaders: unknown key; it is called Headers, and needs "ProviderType": "headers" if it is the only credential',
  ],
];
for (const [keys, problem] of wrong) {
  Deno.test(`${keys.ProviderType} is refused: ${problem}`, async () => {
    assertProblem(await serverProblems({ Url: "https://store.example", ...keys }), problem);
  });
}

const OAUTH2 = { TokenEndpoint: "https://idp.example/t", ClientId: "c", ClientSecret: "s" };

for (
  const [type, keys] of [
    ["OAuth2", OAUTH2],
    ["basic", { ProviderType: "basic", Username: "u", Password: "p" }],
    ["bearer", { ProviderType: "bearer", Token: "t" }],
    ["none", { ProviderType: "none" }],
    ["google", { ProviderType: "google", CredentialSource: "metadata" }],
    ["aws", { ProviderType: "aws", Region: "eu-central-1" }],
    ["azuremanagedidentity", { ProviderType: "azuremanagedidentity" }],
  ] as const
) {
  Deno.test(`Headers may be beside the credential of ${type}, and are never printed`, async () => {
    const config = await load({ ...keys, Headers: { "X-Api-Key": "hunter2" } });
    const server = config.servers.get("main")!;
    assert.equal(server.headers["x-api-key"]?.reveal(), "hunter2");
    const told = Deno.inspect(config, { depth: 9 }) + JSON.stringify([...config.servers]);
    assert(!told.includes("hunter2"), told);
  });
}

Deno.test("TokenHeaders are those of the token request only", async () => {
  const config = await load({
    ...OAUTH2,
    TokenHeaders: { "Ocp-Apim-Subscription-Key": "hunter2" },
  });
  const { credentials, headers } = config.servers.get("main")!;
  assert(credentials.kind === "client_credentials");
  assert.equal(credentials.tokenHeaders?.["ocp-apim-subscription-key"]?.reveal(), "hunter2");
  assert.deepEqual(headers, {});
});

const BASIC = { ...OAUTH2, ClientAuthentication: "client_secret_basic" };
const wrongBeside: readonly (readonly [keys: Keys, problem: string])[] = [
  ...["Authorization", "DPoP", "X-Amz-Date"].map((name) =>
    [
      { ...OAUTH2, Headers: { [name]: "a" } },
      `CFG-002 Headers: must not contain ${name}, which the credential sets`,
    ] as const
  ),
  [
    { ...OAUTH2, TokenHeaders: { Authorization: "a" } },
    "CFG-002 TokenHeaders.Authorization: is set by the gateway; remove it",
  ],
  [
    { ProviderType: "basic", Username: "u", Password: "p", TokenHeaders: { "X-Key": "a" } },
    "CFG-002 TokenHeaders: belongs to ProviderType ",
  ],
  [
    { ...OAUTH2, ClientSecretEncoding: "none" },
    'CFG-002 ClientSecretEncoding: has no effect without "ClientAuthentication"',
  ],
  [
    { ...BASIC, ClientId: "a:b", ClientSecretEncoding: "none" },
    "CFG-002 ClientSecretEncoding: must be form: ClientId contains a colon",
  ],
  [{ ...BASIC, ClientSecretEncoding: "url" }, "CFG-002 ClientSecretEncoding: must be "],
];
for (const [keys, problem] of wrongBeside) {
  Deno.test(`Beside a token is refused: ${problem}`, async () => {
    assertProblem(await serverProblems({ Url: "https://store.example", ...keys }), problem);
  });
}
