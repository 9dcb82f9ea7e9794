/**
 * A running store and identity provider of the demo, with an authorized client.
 */
import { type DicomWebStore, startDicomWebStore } from "../../src/demo/dicomweb_store.ts";
import { type IdentityProvider, startIdentityProvider } from "../../src/demo/identity_provider.ts";
import {
  type MultipartPartInit,
  writeMultipart,
} from "../../src/dicomweb/multipart/multipart_writer.ts";

const CLIENT = { clientId: "client", clientSecret: "secret" };
const AUDIENCE = "https://store.example";

/** A store to test. */
export interface RunningStore extends AsyncDisposable {
  readonly store: DicomWebStore;
  readonly provider: IdentityProvider;
  /** Requests a token. */
  token(parameters?: Record<string, string>): Promise<string>;
  /** Sends a request with a token. */
  send(path: string, init?: RequestInit): Promise<Response>;
  /** Stores files. */
  stow(files: readonly Uint8Array<ArrayBuffer>[], path?: string): Promise<Response>;
}

/** Starts a store and its identity provider. */
export async function startStore(
  options: { readonly maxBytes?: number; readonly now?: () => number } = {},
): Promise<RunningStore> {
  const provider = await startIdentityProvider({
    ...CLIENT,
    port: 0,
    scopes: ["dicomweb", "other"],
    audiences: [AUDIENCE, "https://other.example"],
    tokenLifeSeconds: 60,
  });
  const { jwksUri, issuer } = provider;
  const store = startDicomWebStore({
    port: 0,
    jwksUri,
    issuer,
    audience: AUDIENCE,
    scope: "dicomweb",
    ...options,
  });

  async function token(parameters: Record<string, string> = {}): Promise<string> {
    const response = await fetch(provider.tokenEndpoint, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        ...parameters,
      }),
    });
    return (await response.json()).access_token;
  }

  let held: string | undefined;
  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${held ??= await token()}`);
    return await fetch(store.url + path, { ...init, headers });
  }

  return {
    store,
    provider,
    token,
    send,
    stow: (files, path = "/studies") =>
      send(path, stowRequest(files.map((body) => ({ headers: {}, body })))),
    async [Symbol.asyncDispose]() {
      await store.close();
      await provider.close();
    },
  };
}

/** A request of the Store transaction. */
export function stowRequest(parts: readonly MultipartPartInit[]): RequestInit {
  return {
    method: "POST",
    headers: { "Content-Type": 'multipart/related; type="application/dicom"; boundary=b' },
    body: writeMultipart(parts, "b"),
  };
}
