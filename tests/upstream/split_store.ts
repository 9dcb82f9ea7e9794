/**
 * A client, the splitter and a strict store, over real connections.
 */
import { within } from "../fixtures/deadline.ts";
import {
  type SplittingGateway,
  type SplittingOptions,
  startSplittingGateway,
} from "../fixtures/splitting_gateway.ts";
import {
  startStowOrigin,
  type StowOrigin,
  type StowOriginOptions,
} from "../fixtures/stow_origin.ts";
import { STOW_TYPE } from "../fixtures/stow_request.ts";

export interface StowResult {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** UIDs of the instances reported as stored. */
  readonly stored: readonly string[];
  /** `UID=reason` of those reported as failed; `?=reason` for an unknown instance. */
  readonly failed: readonly string[];
}

export interface SplitStore {
  readonly origin: StowOrigin;
  readonly gateway: SplittingGateway;
  store(
    pieces: Iterable<Uint8Array<ArrayBuffer>> | AsyncIterable<Uint8Array<ArrayBuffer>>,
    headers?: Record<string, string>,
  ): Promise<StowResult>;
}

export async function withSplitStore(
  origin: Partial<StowOriginOptions>,
  options: SplittingOptions,
  use: (all: SplitStore) => Promise<void>,
): Promise<void> {
  const store = startStowOrigin({ vendor: "azure", ...origin });
  const gateway = await startSplittingGateway(store.url, options);
  try {
    await use({
      origin: store,
      gateway,
      store: (pieces, headers) => within(20_000, "an answer", send(gateway.url, pieces, headers)),
    });
  } finally {
    await gateway.close();
    await store.close();
  }
}

async function send(
  url: string,
  pieces: Iterable<Uint8Array<ArrayBuffer>> | AsyncIterable<Uint8Array<ArrayBuffer>>,
  headers: Record<string, string> = {},
): Promise<StowResult> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": STOW_TYPE, accept: "application/dicom+json", ...headers },
    body: ReadableStream.from(pieces),
  });
  return readResult(response.status, response.headers, await response.text());
}

type Item = Record<string, { readonly Value?: readonly unknown[] }>;

export function readResult(status: number, headers: Headers, text: string): StowResult {
  const isReport = headers.get("content-type")?.startsWith("application/dicom+json");
  const dataset: Item = isReport ? JSON.parse(text) : {};
  const items = (tag: string) => (dataset[tag]?.Value ?? []) as readonly Item[];
  const uid = (item: Item) => String(item["00081155"]?.Value?.[0] ?? "?");
  return {
    status,
    headers,
    text,
    stored: items("00081199").map(uid),
    failed: [...items("00081198"), ...items("0008119A")]
      .map((item) => `${uid(item)}=${item["00081197"]?.Value?.[0]}`),
  };
}
