/**
 * No output or response of the gateway contains an OAuth2 client's secret or token, in whatever way
 * its requests fail, even if the provider echoes its requests.
 */
import assert from "node:assert/strict";
import { ACCOUNT, PRIVATE_KEY } from "../credentials/google/google_keys.ts";
import { within } from "../fixtures/deadline.ts";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { type SeenTokenRequest, startTokenEndpoint } from "../fixtures/token_endpoint.ts";
import { serveLoopback } from "../fixtures/listening.ts";

const LIMIT_MS = 90_000;
/** Marked, and with characters that every encoding changes. */
const SECRET = "MARK-secret/+&~0123456789-of-many-characters";
const TOKEN = "MARK-token/+~0123456789";

/** The values of a token request, one by one. */
function secretsOf({ headers, parameters }: SeenTokenRequest): string[] {
  const credentials = [...headers].filter(([name]) => /^(authorization|dpop)$/.test(name));
  const secrets = [...parameters].filter(([name]) => /secret|assertion$/.test(name));
  return [...credentials, ...secrets].map(([, value]) => value.replace(/^Basic /, ""));
}

/** An echo of a request: unchanged and in the encodings in which the provider may have seen it. */
function echo(seen: SeenTokenRequest): string {
  return secretsOf(seen).flatMap((value) => [value, base64(value), encodeURIComponent(value)])
    .join(" ");
}

function refusal(status: number, error: string): (seen: SeenTokenRequest) => Response {
  return (seen) =>
    Response.json({ error, error_description: echo(seen), error_uri: echo(seen) }, { status });
}

/** The provider's responses in order: all but the last two contain no token. */
const FAILURES: readonly ((seen: SeenTokenRequest) => Response)[] = [
  refusal(401, "invalid_client"),
  refusal(400, "invalid_scope"),
  refusal(400, "invalid_request"),
  (seen) => Response.json({ error: echo(seen) }, { status: 400 }),
  (seen) => new Response(`<p>${echo(seen)}`, { headers: { "content-type": "text/html" } }),
  (seen) =>
    new Response(null, {
      status: 307,
      headers: { location: `/?${encodeURIComponent(echo(seen))}` },
    }),
  (seen) => Response.json({ access_token: TOKEN, token_type: echo(seen), expires_in: 60 }),
  () => Response.json({ access_token: `${TOKEN}\n`, token_type: "Bearer", expires_in: 60 }),
  (seen) => new Response(echo(seen), { status: 503 }),
  (seen) => Response.json({ access_token: TOKEN, token_type: "Bearer", expires_in: echo(seen) }),
  // A token that the store rejects.
  () => Response.json({ access_token: TOKEN, token_type: "Bearer", expires_in: 60 }),
];

Deno.test("Secrets, keys, assertions and tokens of OAuth2 clients never leak, whatever fails", () =>
  within(LIMIT_MS, "all failures", failInEveryWay()));

async function failInEveryWay(): Promise<void> {
  const provider = startTokenEndpoint();
  const store = serveLoopback(() => new Response(null, { status: 401 }));
  const common = {
    Url: `${store.url}/dicom-web`,
    TokenEndpoint: provider.url,
    ClientId: ACCOUNT,
    ResilienceConfig: { RetryMaxAttempts: 1 },
  };
  const servers: Record<string, Record<string, unknown>> = {
    post: { ...common, ClientSecret: SECRET },
    basic: { ...common, ClientSecret: SECRET, ClientAuthentication: "client_secret_basic" },
    secretJwt: { ...common, ClientSecret: SECRET, ClientAuthentication: "client_secret_jwt" },
    keyJwt: { ...common, PrivateKey: PRIVATE_KEY, ClientAuthentication: "private_key_jwt" },
    bound: { ...common, ClientSecret: SECRET, DPoP: true },
  };
  try {
    await using gateway = await startGateway({ LogLevel: "DEBUG", Servers: servers });
    const answers: string[] = [];
    for (const answer of FAILURES) {
      provider.answer = answer;
      const texts = await Promise.all(Object.keys(servers).map((name) => ask(gateway, name)));
      answers.push(...texts.flat());
    }
    for (const page of ["servers", "status", "metrics"]) {
      answers.push(await (await fetch(`${gateway.url}/dicomweb-oauth/${page}`)).text());
    }
    await gateway.stop();
    const output = gateway.output() + answers.join("\n");
    for (const code of ["AUTH-001", "AUTH-002", "AUTH-003", "NET-004", "TOK-001", "TOK-005"]) {
      assert(output.includes(code), `nothing failed with ${code}`);
    }
    const secrets = [
      SECRET,
      TOKEN,
      ...PRIVATE_KEY.split("\n").filter((line) => line.length > 40),
      ...provider.requests.flatMap(secretsOf),
    ];
    for (const secret of new Set(secrets)) assertNoLeak(output, secret);
  } finally {
    await provider.close();
    await store.shutdown();
  }
}

async function ask({ url }: GatewayProcess, server: string): Promise<string[]> {
  const answers = [
    await fetch(`${url}/dicomweb-oauth/servers/${server}/test`, { method: "POST" }),
    await fetch(`${url}/dicom-web/${server}/studies`),
  ];
  return await Promise.all(answers.map((answer) => answer.text()));
}

function assertNoLeak(output: string, secret: string): void {
  const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  for (const form of [...forms, ...base64Forms(secret)]) {
    const at = output.indexOf(form);
    assert(at < 0, `leaked as ${form}: ${output.slice(Math.max(at - 200, 0), at + 80)}`);
  }
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

/** A text in base64 at every offset, in both alphabets. */
function base64Forms(text: string): string[] {
  const inside = ["", "x", "xx"].map((before) =>
    base64(before + text).slice(before === "" ? 0 : 4).replace(/.?.?={0,2}$/, "")
  );
  return inside.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
}
