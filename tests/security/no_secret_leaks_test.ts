/**
 * Secrets, tokens, assertions and keys appear in no log line, error body, metric, status page or crash
 * output: every way of signing is driven through every failure at debug level, against providers that
 * repeat what they are shown, and everything that the gateway says is searched.
 */
import assert from "node:assert/strict";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { within } from "../fixtures/deadline.ts";
import {
  echo,
  type EchoingProvider,
  give,
  type Grant,
  type ProviderAnswer,
  startEchoingProvider,
} from "../fixtures/echoing_provider.ts";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { REDIS, startRedisServer } from "../fixtures/redis_server.ts";
import { MarkedSecrets } from "./marked_secrets.ts";
import { markedServers } from "./marked_servers.ts";

const LIMIT_MS = 180_000;

interface Parts {
  readonly secrets: MarkedSecrets;
  readonly provider: EchoingProvider;
  readonly store: MarkedStore;
  /** A token endpoint whose certificate nobody vouches for. */
  readonly untrusted: string;
  readonly closed: string;
  readonly authority: CertificateAuthority;
  readonly directory: string;
  /** Makes what the provider gives out next. */
  grant(): Grant;
}

interface MarkedStore {
  readonly url: string;
  /** Headers that requests came with. */
  readonly seen: Headers[];
  /** What it answers; 0: it breaks off in the middle. */
  status: number;
}

function startStore(signal: AbortSignal): MarkedStore {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal, onListen: () => {} },
    async (request) => {
      store.seen.push(request.headers);
      await request.body?.cancel();
      if (store.status > 0) return Response.json({ stored: true }, { status: store.status });
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode("{"));
          setTimeout(() => controller.error(new Error("broken off")), 20);
        },
      });
      return new Response(body, { headers: { "content-length": "100" } });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/dicom-web`;
  const store: MarkedStore = { url, seen: [], status: 200 };
  return store;
}

async function withParts(test: (parts: Parts) => Promise<void>): Promise<void> {
  const secrets = new MarkedSecrets();
  let grants = 0;
  const grant = () => {
    grants++;
    return {
      token: secrets.make(`access token ${grants}`),
      secretAccessKey: secrets.make(`secret access key ${grants}`),
      sessionToken: secrets.make(`session token ${grants}`),
    };
  };
  const stop = new AbortController();
  const directory = await Deno.makeTempDir();
  await using authority = await CertificateAuthority.create();
  await using provider = startEchoingProvider(grant);
  const certificate = await authority.issue({ commonName: "127.0.0.1", purpose: "server" });
  const untrusted = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: certificate.certificatePem,
    key: certificate.keyPem,
    signal: stop.signal,
    onListen: () => {},
    onError: () => new Response(),
  }, () => new Response("never"));
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  closed.close();
  try {
    await test({
      secrets,
      provider,
      store: startStore(stop.signal),
      untrusted: `https://127.0.0.1:${untrusted.addr.port}/token`,
      closed: `http://127.0.0.1:${closed.addr.port}/token`,
      authority,
      directory,
      grant,
    });
  } finally {
    stop.abort();
    await Deno.remove(directory, { recursive: true });
  }
}

const json = (status: number, error: string): ProviderAnswer => (shown) =>
  Response.json({
    error,
    error_description: echo(shown),
    error_uri: echo(shown),
    // As AWS and Google name them.
    code: error,
    message: echo(shown),
    Code: error,
    Message: echo(shown),
  }, { status, headers: { "x-echo": encodeURIComponent(echo(shown)) } });

const xml = (status: number, code: string): ProviderAnswer => (shown) =>
  new Response(
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${
      echo(shown).replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    }</Message></Error></ErrorResponse>`,
    { status, headers: { "content-type": "text/xml" } },
  );

/** Every way in which a provider can fail. None of these answers is a token or a set of keys. */
const failures: [name: string, answer: (grant: () => Grant) => ProviderAnswer][] = [
  ["refuses the client, repeating all", () => json(401, "invalid_client")],
  ["refuses the scope, repeating all", () => json(400, "invalid_scope")],
  ["refuses the grant, repeating all", () => json(400, "invalid_grant")],
  ["repeats all in its error code", () => (shown) => json(400, echo(shown))(shown)],
  ["forbids, repeating all", () => json(403, "AccessDenied")],
  ["refuses in XML, repeating all", () => xml(403, "InvalidIdentityToken")],
  ["repeats all in an error code in XML", () => (shown) => xml(400, echo(shown))(shown)],
  ["fails, repeating all", () => json(500, "server_error")],
  [
    "is busy",
    () => (shown) => new Response(echo(shown), { status: 503, headers: { "retry-after": "1" } }),
  ],
  [
    "answers a login page that repeats all",
    () => (shown) =>
      new Response(`<p>${echo(shown)}`, { headers: { "content-type": "text/html" } }),
  ],
  ["answers JSON that is no answer", () => (shown) => Response.json([echo(shown)])],
  [
    "redirects, repeating all",
    () => (shown) =>
      new Response(null, {
        status: 307,
        headers: { location: `http://127.0.0.1:1/?${encodeURIComponent(echo(shown))}` },
      }),
  ],
  [
    "gives a token of a type that repeats all",
    (grant) => (shown) => give(shown, grant(), { token_type: echo(shown), Expiration: "never" }),
  ],
  [
    "gives a token that cannot stand in a header",
    (grant) => (shown) => {
      const { token, secretAccessKey, sessionToken } = grant();
      return give(shown, {
        token: `${token} \n`,
        secretAccessKey: `${secretAccessKey} \n`,
        sessionToken: `${sessionToken} \n`,
      });
    },
  ],
  [
    "breaks off in the middle of a token",
    (grant) => async (shown) => {
      const text = await give(shown, grant()).text();
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(text.slice(0, text.length / 2)));
          setTimeout(() => controller.error(new Error("broken off")), 20);
        },
      });
      return new Response(body, { headers: { "content-length": String(text.length) } });
    },
  ],
  ["does not answer", () => () => new Promise(() => {})],
];

/** Collects everything that the gateway answers. */
class Told {
  readonly #texts: string[] = [];

  async ask(url: string, init: RequestInit = {}): Promise<number> {
    const response = await fetch(url, init);
    const body = await response.text().catch((error) => `broken off: ${error}`);
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    this.#texts.push(`${init.method ?? "GET"} ${url}\n${response.status}\n${headers}\n${body}`);
    return response.status;
  }

  async askServer({ url }: GatewayProcess, name: string): Promise<number> {
    await this.ask(`${url}/dicomweb-oauth/servers/${name}/test`, { method: "POST" });
    return await this.ask(`${url}/dicom-web/${name}/studies?PatientID=1`);
  }

  async store({ url }: GatewayProcess, name: string): Promise<number> {
    return await this.ask(`${url}/dicom-web/${name}/studies`, {
      method: "POST",
      // More than is kept to be sent again.
      body: new Uint8Array(4 * 1024 * 1024),
      headers: { "content-type": "application/dicom" },
    });
  }

  /** Every page that tells about the gateway. */
  async askPages({ url }: GatewayProcess): Promise<void> {
    for (
      const path of [
        ...["/dicomweb-oauth/status", "/dicomweb-oauth/servers", "/dicomweb-oauth/metrics"],
        ...["/healthz", "/readyz", "/", "/.well-known/jwks.json", "/dicom-web/other/studies"],
      ]
    ) {
      await this.ask(url + path);
    }
  }

  toString(): string {
    return this.#texts.join("\n\n");
  }
}

/** Learns what was made of the secrets: signatures and credentials as the provider and the store saw them. */
function learn({ secrets, provider, store }: Parts): void {
  const headers = [...provider.shown.map(({ headers }) => headers), ...store.seen];
  for (const each of headers) {
    const authorization = each.get("authorization") ?? "";
    const signature = /Signature=([0-9a-f]+)/.exec(authorization)?.[1];
    secrets.add("a signature of AWS", signature ?? "");
    secrets.add("a proof's signature", each.get("dpop")?.split(".")[2] ?? "");
    if (/^(?:Basic|Bearer|DPoP) /.test(authorization)) {
      secrets.add("an Authorization header", authorization.replace(/^\w+ /, ""));
    }
  }
  for (const { parameters } of provider.shown) {
    for (const name of ["client_assertion", "assertion"]) {
      secrets.add("an assertion's signature", parameters.get(name)?.split(".")[2] ?? "");
    }
  }
}

function assertUntold({ secrets }: Parts, told: string): void {
  const leaks = secrets.findIn(told);
  assert.deepEqual(
    leaks.map(({ secret }) => secret),
    [],
    leaks.map(({ secret, excerpt }) => `${secret} is told:\n${excerpt}`).join("\n\n"),
  );
}

Deno.test(needing(OPENSSL, {
  name: "No way of signing tells a secret, a token, an assertion or a key, whatever fails",
  fn: () => within(LIMIT_MS, "all failures", withParts(failInEveryWay)),
}));

async function failInEveryWay(parts: Parts): Promise<void> {
  const { secrets, provider, store, grant } = parts;
  const encryptionKey = crypto.getRandomValues(new Uint8Array(32));
  secrets.add("encryption key", encryptionKey);
  const { servers, env } = await markedServers({
    ...parts,
    provider: provider.url,
    store: store.url,
  });
  const told = new Told();
  let output: string;
  {
    await using gateway = await startGateway({
      LogLevel: "DEBUG",
      TokenCache: { Backend: "kv", EncryptionKey: encryptionKey.toBase64() },
      Servers: Object.fromEntries([...servers].map(([name, { keys }]) => [name, keys])),
    }, { env });
    const each = (ask: (name: string) => Promise<unknown>) =>
      Promise.all([...servers.keys()].map(ask));

    const give = provider.answer;
    for (const [, answer] of failures) {
      provider.answer = answer(grant);
      await each((name) => told.askServer(gateway, name));
    }
    provider.answer = give;
    const statuses = new Map<string, number>();
    await each(async (name) => statuses.set(name, await told.askServer(gateway, name)));
    for (const [name, { works }] of servers) {
      assert.equal(statuses.get(name) === 200, works, `${name}: ${statuses.get(name)}\n${told}`);
    }
    for (const status of [401, 403, 500, 0]) {
      store.status = status;
      await each((name) => told.store(gateway, name));
      await each((name) => told.ask(`${gateway.url}/dicom-web/${name}/studies`));
    }
    await told.askPages(gateway);
    await each((name) =>
      told.ask(`${gateway.url}/dicomweb-oauth/servers/${name}/token`, { method: "DELETE" })
    );
    await told.askPages(gateway);
    await gateway.stop();
    output = gateway.output();
  }
  learn(parts);
  const all = `${output}\n${told}`;
  assertUntold(parts, all);
  // That nothing was found means something only if all of it has happened.
  for (
    const code of [
      ...["AUTH-001", "AUTH-002", "AUTH-003", "NET-001", "NET-003", "NET-004"],
      ...["TOK-001", "TOK-002", "TOK-004", "TOK-005"],
    ]
  ) {
    assert(all.includes(code), `nothing failed with ${code}`);
  }
  assert(output.includes("[hidden]"), "no provider was quoted");
  assert(output.includes("token_validation_failure"), "no token failed validation");
  for (const name of ["a signature of AWS", "a proof's signature", "an assertion's signature"]) {
    assert(secrets.names.has(name), `${name} was never sent`);
  }
  const sent = provider.shown.flatMap((shown) => shown.secrets).join("\n") +
    store.seen.flatMap((headers) => [...headers].map(([, value]) => value)).join("\n");
  const kept = new Set(
    [...secrets.findIn(sent)].map(({ secret }) => secret),
  );
  for (const name of secrets.names) {
    if (/^(?:secret of (?:post|basic|dpop|googleUser)|refresh token|subject token)$/.test(name)) {
      assert(kept.has(name), `${name} was never sent`);
    }
  }
}
