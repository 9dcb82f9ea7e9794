/**
 * Fixtures for tests of leaks: marked secrets, a provider, a store, and the collected output of the gateway
 * to search.
 */
import assert from "node:assert/strict";
import { CertificateAuthority } from "../fixtures/certificate_authority.ts";
import {
  type EchoingProvider,
  type Grant,
  startEchoingProvider,
} from "../fixtures/echoing_provider.ts";
import type { GatewayProcess } from "../fixtures/gateway_process.ts";
import { MarkedSecrets } from "./marked_secrets.ts";

/** Limit of one test. */
export const LIMIT_MS = 180_000;

export interface Parts {
  readonly secrets: MarkedSecrets;
  readonly provider: EchoingProvider;
  readonly store: MarkedStore;
  /** A token endpoint whose certificate the gateway does not trust. */
  readonly untrusted: string;
  readonly closed: string;
  readonly authority: CertificateAuthority;
  readonly directory: string;
  /** The next credentials of the provider. */
  grant(): Grant;
}

export interface MarkedStore {
  readonly url: string;
  /** Headers of the received requests. */
  readonly seen: Headers[];
  /** The status that it answers; 0: it breaks off within its response. */
  status: number;
}

function startStore(signal: AbortSignal): MarkedStore {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal, onListen: () => {} },
    async (request) => {
      store.seen.push(request.headers);
      await request.arrayBuffer();
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

/** Runs a test with the fixtures. */
export async function withParts(test: (parts: Parts) => Promise<void>): Promise<void> {
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

/** Collects all responses of the gateway. */
export class Responses {
  readonly #texts: string[] = [];

  async ask(url: string, init: RequestInit = {}): Promise<number> {
    // The response to a body that was not read completely may be lost; the log contains it all the same.
    const response = await fetch(url, init).catch(() => Response.error());
    const body = await response.text().catch((error) => `broken off: ${error}`);
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    this.#texts.push(`${init.method ?? "GET"} ${url}\n${response.status}\n${headers}\n${body}`);
    return response.status;
  }

  async askServer({ url }: Pick<GatewayProcess, "url">, name: string): Promise<number> {
    await this.ask(`${url}/dicomweb-oauth/servers/${name}/test`, { method: "POST" });
    return await this.ask(`${url}/dicom-web/${name}/studies?PatientID=1`);
  }

  async store({ url }: Pick<GatewayProcess, "url">, name: string): Promise<number> {
    return await this.ask(`${url}/dicom-web/${name}/studies`, {
      method: "POST",
      // More than is kept for a retry.
      body: new Uint8Array(4 * 1024 * 1024),
      headers: { "content-type": "application/dicom" },
    });
  }

  /** All pages of the gateway. */
  async askPages({ url }: Pick<GatewayProcess, "url">): Promise<void> {
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

/** Adds what was derived from the secrets: signatures and credentials that provider and store received. */
export function learn({ secrets, provider, store }: Parts): void {
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

/** Searches all output of the gateway for secrets. */
export function assertNoLeaks({ secrets }: Parts, output: string): void {
  const leaks = secrets.findIn(output);
  assert.deepEqual(
    leaks.map(({ secret }) => secret),
    [],
    leaks.map(({ secret, excerpt }) => `${secret} is revealed:\n${excerpt}`).join("\n\n"),
  );
}
