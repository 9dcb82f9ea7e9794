/**
 * Requests to a store and a token endpoint that close the connection: each is received as often as the
 * gateway's metrics report, and signed anew each time.
 */
import assert from "node:assert/strict";
import { decodeJwt, exportPKCS8, generateKeyPair } from "jose";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { type RawExchange, type RawHandler, startRawOrigin } from "../fixtures/raw_origin.ts";

const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const BOUNDARY = { "content-type": 'multipart/related; type="application/dicom"; boundary=b' };

function stow(bytes: number): string {
  return `--b\r\nContent-Type: application/dicom\r\n\r\n${"x".repeat(bytes)}\r\n--b--\r\n`;
}

interface Kind {
  readonly server: string;
  readonly method: string;
  readonly target: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** Whether the gateway may retry it, which it does once by default. */
  readonly isRepeated: boolean;
}

const KINDS: Record<string, Kind> = {
  GET: { server: "generic", method: "GET", target: "/studies", isRepeated: true },
  HEAD: { server: "generic", method: "HEAD", target: "/studies/1.2", isRepeated: true },
  DELETE: { server: "generic", method: "DELETE", target: "/studies/1.2", isRepeated: true },
  "POST without body": {
    server: "generic",
    method: "POST",
    target: "/workitems/1.2/cancelrequest",
    isRepeated: false,
  },
  STOW: {
    server: "generic",
    method: "POST",
    target: "/studies",
    headers: BOUNDARY,
    body: stow(4000),
    isRepeated: false,
  },
  "AWS GET": { server: "aws", method: "GET", target: "/studies", isRepeated: true },
  "AWS STOW in memory": {
    server: "aws",
    method: "POST",
    target: "/studies",
    headers: BOUNDARY,
    body: stow(4000),
    isRepeated: false,
  },
  "AWS STOW in the spool": {
    server: "aws",
    method: "POST",
    target: "/studies",
    headers: BOUNDARY,
    body: stow(1_500_000),
    isRepeated: false,
  },
  "AWS PUT": {
    server: "aws",
    method: "PUT",
    target: "/workitems/1.2/state",
    headers: { "content-type": "application/dicom+json" },
    body: "{}",
    isRepeated: false,
  },
};

async function read(exchange: RawExchange): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of exchange.body()) text += decoder.decode(piece, { stream: true });
  return text;
}

const ENDS: Record<string, RawHandler> = {
  "after the request": async (exchange) => {
    await read(exchange);
    exchange.close();
  },
  "inside the answer's headers": async (exchange) => {
    await read(exchange);
    await exchange.write("HTTP/1.1 200 OK\r\ncontent-type: application/dicom+json\r\ncontent-");
    exchange.close();
  },
};

/** The value of a counter for one server. */
async function counted(gateway: GatewayProcess, name: string, server: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/dicomweb-oauth/metrics`)).text();
  const line = text.split("\n").find((line) =>
    line.startsWith(`dicomweb_oauth_${name}{`) &&
    line.includes(`server="${server}"`)
  );
  return Number(line?.split(" ").at(-1) ?? 0);
}

Deno.test("A store receives each request as often as the gateway counts it", async (t) => {
  const origin = startRawOrigin((exchange) => exchange.answer(200, "[]"));
  await using gateway = await startGateway({
    Servers: {
      generic: { Url: `${origin.url}/dicom-web`, ProviderType: "bearer", Token: "t" },
      aws: {
        Url: `${origin.url}/datastore`,
        ProviderType: "aws",
        Region: "eu-west-1",
        AccessKeyId: "AKIAIOSFODNN7EXAMPLE",
        SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      },
    },
  });
  const whole: RawHandler = async (exchange) => {
    await read(exchange);
    await exchange.answer(200, exchange.method === "HEAD" ? "" : "[]", {
      "content-type": "application/dicom+json",
    });
  };
  for (const [end, play] of Object.entries(ENDS)) {
    for (const isKept of [true, false]) {
      for (const [name, kind] of Object.entries(KINDS)) {
        const { server, method, target, headers = {}, body = null, isRepeated } = kind;
        await t.step(`${name}, ${isKept ? "kept" : "new"} connection, closed ${end}`, async () => {
          // Without successful requests, the retry budget is exhausted and the circuit opens.
          origin.play(whole);
          for (let i = 0; i < 10; i++) {
            await (await fetch(`${gateway.url}/dicom-web/${server}/studies`)).body?.cancel();
          }
          if (!isKept) {
            origin.dropConnections();
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
          const retriesBefore = await counted(gateway, "store_retries_total", server);
          let attempts = 0;
          origin.play((exchange) => {
            attempts++;
            return play(exchange);
          });
          const url = `${gateway.url}/dicom-web/${server}${target}`;
          const response = await fetch(url, { method, headers, body });
          await response.body?.cancel();
          assert.equal(response.status, 502);
          const retries = await counted(gateway, "store_retries_total", server) - retriesBefore;
          assert.deepEqual([attempts, retries], isRepeated ? [2, 1] : [1, 0]);
        });
      }
    }
  }
  await origin.close();
});

const ENDPOINTS: Record<string, Record<string, unknown>> = {
  "a secret": { ClientSecret: "secret" },
  "an assertion": {
    ClientAuthentication: "private_key_jwt",
    PrivateKey: await exportPKCS8(privateKey),
  },
  "a secret, and a proof of a key": { ClientSecret: "secret", DPoP: true },
};

for (const [name, keys] of Object.entries(ENDPOINTS)) {
  Deno.test(`A token endpoint that closes gets each request with ${name} once, and then a new one`, async () => {
    const requests: string[] = [];
    const origin = startRawOrigin(async (exchange) => {
      requests.push(JSON.stringify([
        new URLSearchParams(await read(exchange)).get("client_assertion") ?? undefined,
        exchange.headers.get("dpop") ?? undefined,
      ]));
      exchange.close();
    });
    await using gateway = await startGateway({
      Servers: {
        main: {
          Url: `${origin.url}/dicom-web`,
          TokenEndpoint: `${origin.url}/token`,
          ClientId: "gateway",
          ...keys,
        },
      },
    });
    const response = await fetch(`${gateway.url}/dicom-web/main/studies`);
    await response.body?.cancel();
    assert.equal(response.status, 503);
    const retries = await counted(gateway, "retry_attempts_total", "main");
    assert(retries > 0, "it is asked again");
    assert.equal(requests.length, 1 + retries);
    const jwts = requests.flatMap((request) => JSON.parse(request) as (string | null)[]).filter((
      jwt,
    ) => jwt !== null);
    const ids = new Set(jwts.map((jwt) => decodeJwt(jwt).jti));
    assert.equal(ids.size, name === "a secret" ? 0 : requests.length);
    await origin.close();
  });
}
