/**
 * The round trip of the demo: stores, queries, retrieves and deletes a study through the gateway, and
 * verifies each step. Prints one line per step, for people who run a PACS rather than write one.
 */
import { reasonOf } from "../errors/reason.ts";
import { DemoClient } from "./demo_client.ts";
import type { DicomWebStore } from "./dicomweb_store.ts";
import { tagOf } from "./dicom_dictionary.ts";
import type { IdentityProvider } from "./identity_provider.ts";
import type { SyntheticStudy } from "./synthetic_study.ts";

export interface RoundTripOptions {
  readonly provider: IdentityProvider;
  readonly store: DicomWebStore;
  readonly study: SyntheticStudy;
  /** Base URL of the store at the gateway, without a trailing slash. */
  readonly throughGateway: string;
  readonly tokenLifeSeconds: number;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Step {
  /** The action, for the report of a failure. */
  readonly what: string;
  /** Whether the step is skipped unless the study is stored. */
  readonly needsStudy: boolean;
  /** Does it, and returns the result to print. */
  readonly run: () => Promise<string>;
}

/** Makes the round trip; returns whether all steps worked. */
export async function makeRoundTrip(options: RoundTripOptions): Promise<boolean> {
  const { print, signal } = options;
  const gateway = new DemoClient(options.throughGateway, signal);
  let isStored = false;
  let allWorked = true;
  try {
    for (const step of stepsOf(options, gateway, () => isStored = true)) {
      if (step.needsStudy && !isStored) {
        print(`✗ ${step.what}: not tried, because nothing was stored`);
        continue;
      }
      try {
        print(`✓ ${await step.run()}`);
      } catch (error) {
        allWorked = false;
        if (signal.aborted) {
          print("Stopped before the end.");
          break;
        }
        print(`✗ ${step.what}: ${reasonOf(error)}`);
      }
    }
  } finally {
    gateway.close();
  }
  return allWorked;
}

function stepsOf(
  options: RoundTripOptions,
  gateway: DemoClient,
  onStored: () => void,
): readonly Step[] {
  const { provider, store, study, tokenLifeSeconds } = options;
  const { instances } = study;
  const path = `/studies/${study.studyInstanceUid}`;
  const series = new Set(instances.map((each) => each.seriesInstanceUid)).size;
  const startedAtMs = Date.now();
  return [{
    what: "Ask the store directly, without a token",
    needsStudy: false,
    async run() {
      const direct = new DemoClient(store.url, options.signal);
      try {
        expect(await direct.status("/studies"), 401, "HTTP status");
      } finally {
        direct.close();
      }
      return "Asked the store directly, without a token: refused (401), as it should be";
    },
  }, {
    what: "Store the study through the gateway",
    needsStudy: false,
    async run() {
      const stored = new Set(await gateway.store(instances.map((each) => each.file)));
      onStored();
      expect(stored.size, instances.length, "images stored");
      const missing = instances.filter((each) => !stored.has(each.sopInstanceUid)).length;
      expect(missing, 0, "images missing in the answer");
      const kilobytes = Math.round(sum(instances.map((each) => each.file.length)) / 1000);
      return `Stored ${instances.length} CT images through the gateway (STOW-RS, ${kilobytes} kB)`;
    },
  }, {
    what: "Query the study through the gateway",
    needsStudy: true,
    async run() {
      const found = await gateway.search("/studies?PatientName=Demo*&ModalitiesInStudy=CT");
      const uids = found.map((each) => each[tagOf("StudyInstanceUID")]?.Value?.[0]);
      expect(uids.filter((uid) => uid === study.studyInstanceUid).length, 1, "studies found");
      expect((await gateway.search(`${path}/series`)).length, series, "series found");
      expect((await gateway.search(`${path}/instances`)).length, instances.length, "images found");
      return `Found the study by its patient's name "Demo*": ${series} series, ` +
        `${instances.length} images (QIDO-RS)`;
    },
  }, {
    what: "Retrieve the study through the gateway",
    needsStudy: true,
    async run() {
      const sent = new Set(await Promise.all(instances.map((each) => sha256(each.file))));
      let retrieved = 0;
      for await (const file of gateway.retrieve(path)) {
        retrieved++;
        if (!sent.delete(await sha256(file))) throw new Error(`image ${retrieved} has changed`);
      }
      expect(retrieved, instances.length, "images retrieved");
      return `Retrieved all ${retrieved} images: byte for byte what was stored (WADO-RS, SHA-256)`;
    },
  }, {
    what: "Delete the study through the gateway",
    needsStudy: true,
    async run() {
      await gateway.delete(path);
      expect(await gateway.status(path), 404, "HTTP status afterwards");
      const left = await gateway.search(`/studies?StudyInstanceUID=${study.studyInstanceUid}`);
      expect(left.length, 0, "studies found afterwards");
      return "Deleted the study: it can no longer be found or retrieved";
    },
  }, {
    what: "Count the access tokens that the gateway asked for",
    needsStudy: false,
    run() {
      const { issuedTokens } = provider;
      // On a slow machine a token may be renewed meanwhile.
      const lives = Math.floor((Date.now() - startedAtMs) / 1000 / (tokenLifeSeconds / 2));
      if (issuedTokens > 1 + lives || issuedTokens === 0) expect(issuedTokens, 1, "tokens");
      const times = issuedTokens === 1 ? "one access token" : `${issuedTokens} access tokens`;
      return Promise.resolve(
        `The gateway asked for ${times} and used it for all ${store.authorizedRequests} requests`,
      );
    },
  }];
}

function expect(seen: number, expected: number, what: string): void {
  if (seen !== expected) throw new Error(`${what}: ${seen} instead of ${expected}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
