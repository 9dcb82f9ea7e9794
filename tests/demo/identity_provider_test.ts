import assert from "node:assert/strict";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import {
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from "../../src/demo/identity_provider.ts";

const CLIENT = { clientId: "demo client", clientSecret: "s:e+c r%e&t" };
const BASIC = `Basic ${btoa("demo+client:s%3Ae%2Bc+r%25e%26t")}`;

function start(options: Partial<IdentityProviderOptions> = {}): Promise<IdentityProvider> {
  return startIdentityProvider({
    ...CLIENT,
    port: 0,
    scopes: ["dicom.read", "dicom.write"],
    audiences: ["https://store.example", "https://other.example"],
    tokenLifeSeconds: 60,
    ...options,
  });
}

async function ask(
  provider: IdentityProvider,
  form: string | Record<string, string>,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(provider.tokenEndpoint, {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers },
    body: `${new URLSearchParams(form)}`,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const SECRET_POST = { client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret };
const GRANT = { grant_type: "client_credentials" };

for (const algorithm of ["ES256", "RS256"] as const) {
  Deno.test(`startIdentityProvider issues ${algorithm} tokens that its own keys verify`, async () => {
    const provider = await start({ algorithm });
    try {
      const { status, headers, body } = await ask(provider, { ...GRANT, ...SECRET_POST });
      assert.equal(status, 200);
      assert.equal(headers.get("cache-control"), "no-store");
      const { access_token: token, ...rest } = body;
      assert.deepEqual(rest, {
        token_type: "Bearer",
        expires_in: 60,
        scope: "dicom.read dicom.write",
      });
      const discovery = await (await fetch(`${provider.origin}/.well-known/openid-configuration`))
        .json();
      assert.equal(discovery.token_endpoint, provider.tokenEndpoint);
      assert.equal(discovery.jwks_uri, provider.jwksUri);
      const keys = await (await fetch(discovery.jwks_uri)).json();
      assert.deepEqual(Object.keys(keys.keys[0]).filter((name) => name === "d"), []);
      const { payload } = await jwtVerify(token as string, createLocalJWKSet(keys), {
        issuer: discovery.issuer,
        audience: "https://store.example",
        algorithms: [algorithm],
        typ: "at+jwt",
      });
      assert.equal(payload.exp! - payload.iat!, 60);
      assert.equal(payload.sub, CLIENT.clientId);
      assert.equal(decodeProtectedHeader(token as string).kid, keys.keys[0].kid);
      assert.equal(provider.issuedTokens, 1);
    } finally {
      await provider.close();
    }
  });
}

const accepted: [
  why: string,
  form: Record<string, string>,
  headers: Record<string, string>,
  scope: string,
  audience: string,
][] = [
  [
    "client_secret_post",
    { ...GRANT, ...SECRET_POST },
    {},
    "dicom.read dicom.write",
    "https://store.example",
  ],
  [
    "client_secret_basic, form-encoded",
    GRANT,
    { Authorization: BASIC },
    "dicom.read dicom.write",
    "https://store.example",
  ],
  [
    "Basic with the client's id in the body",
    { ...GRANT, client_id: CLIENT.clientId },
    { Authorization: BASIC },
    "dicom.read dicom.write",
    "https://store.example",
  ],
  [
    "part of the scope",
    { ...GRANT, ...SECRET_POST, scope: "dicom.read" },
    {},
    "dicom.read",
    "https://store.example",
  ],
  [
    "an empty scope is none",
    { ...GRANT, ...SECRET_POST, scope: "" },
    {},
    "dicom.read dicom.write",
    "https://store.example",
  ],
  [
    "an audience",
    { ...GRANT, ...SECRET_POST, audience: "https://other.example" },
    {},
    "dicom.read dicom.write",
    "https://other.example",
  ],
  [
    "a resource (RFC 8707)",
    { ...GRANT, ...SECRET_POST, resource: "https://other.example" },
    {},
    "dicom.read dicom.write",
    "https://other.example",
  ],
];

const wrongBasic = { Authorization: `Basic ${btoa("demo+client:wrong")}` };
const refused: [
  why: string,
  form: string | Record<string, string>,
  headers: Record<string, string>,
  status: number,
  error: string,
][] = [
  [
    "a wrong secret in the body",
    { ...GRANT, ...SECRET_POST, client_secret: "x" },
    {},
    401,
    "invalid_client",
  ],
  ["a wrong client", { ...GRANT, ...SECRET_POST, client_id: "x" }, {}, 401, "invalid_client"],
  ["a wrong secret by Basic", GRANT, wrongBasic, 401, "invalid_client"],
  [
    "Basic that is not form-encoded",
    GRANT,
    { Authorization: `Basic ${btoa("demo client:s:e+c r%e&t")}` },
    401,
    "invalid_client",
  ],
  ["Basic that is not Base64", GRANT, { Authorization: "Basic ?" }, 401, "invalid_client"],
  ["another scheme", GRANT, { Authorization: "Bearer x" }, 401, "invalid_client"],
  ["no authentication", GRANT, {}, 401, "invalid_client"],
  [
    "two ways of authentication",
    { ...GRANT, ...SECRET_POST },
    { Authorization: BASIC },
    400,
    "invalid_request",
  ],
  [
    "another client in the body",
    { ...GRANT, client_id: "x" },
    { Authorization: BASIC },
    400,
    "invalid_request",
  ],
  ["no grant type", SECRET_POST, {}, 400, "invalid_request"],
  [
    "a repeated parameter",
    `${new URLSearchParams({ ...GRANT, ...SECRET_POST })}&scope=a&scope=b`,
    {},
    400,
    "invalid_request",
  ],
  [
    "a body that is no form",
    { ...GRANT, ...SECRET_POST },
    { "Content-Type": "application/json" },
    400,
    "invalid_request",
  ],
  ["another grant", { ...SECRET_POST, grant_type: "password" }, {}, 400, "unsupported_grant_type"],
  [
    "a scope that is not the client's",
    { ...GRANT, ...SECRET_POST, scope: "dicom.read admin" },
    {},
    400,
    "invalid_scope",
  ],
  [
    "an unknown audience",
    { ...GRANT, ...SECRET_POST, audience: "https://x.example" },
    {},
    400,
    "invalid_target",
  ],
];

Deno.test("startIdentityProvider validates token requests", async (t) => {
  const provider = await start();
  try {
    for (const [why, form, headers, scope, audience] of accepted) {
      await t.step(`accepts ${why}`, async () => {
        const { status, body } = await ask(provider, form, headers);
        assert.equal(status, 200);
        assert.equal(body.scope, scope);
        const payload = JSON.parse(
          atob(
            (body.access_token as string).split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"),
          ),
        );
        assert.equal(payload.aud, audience);
      });
    }
    for (const [why, form, headers, status, error] of refused) {
      await t.step(`refuses ${why}`, async () => {
        const answer = await ask(provider, form, headers);
        assert.equal(answer.status, status);
        assert.equal(answer.body.error, error);
        assert.equal(answer.headers.get("cache-control"), "no-store");
        assert.equal(answer.headers.has("www-authenticate"), status === 401);
        assert.equal(JSON.stringify(answer.body).includes(CLIENT.clientSecret), false);
      });
    }
    assert.equal(provider.issuedTokens, accepted.length);
  } finally {
    await provider.close();
  }
});

Deno.test("startIdentityProvider answers 405, 404 and 413", async () => {
  const provider = await start();
  try {
    const statuses: number[] = [];
    for (
      const [path, init] of [
        ["/token", {}],
        ["/authorize", {}],
        ["/token", { method: "POST", body: "x".repeat(20_000) }],
      ] as const
    ) {
      const response = await fetch(provider.origin + path, init);
      await response.body?.cancel();
      statuses.push(response.status);
    }
    assert.deepEqual(statuses, [405, 404, 413]);
  } finally {
    await provider.close();
  }
});

Deno.test("startIdentityProvider dates tokens by its clock", async () => {
  const provider = await start({ now: () => 1_700_000_000_999 });
  try {
    const { body } = await ask(provider, { ...GRANT, ...SECRET_POST });
    const payload = JSON.parse(atob((body.access_token as string).split(".")[1]!));
    assert.deepEqual([payload.iat, payload.exp], [1_700_000_000, 1_700_000_060]);
  } finally {
    await provider.close();
  }
});
