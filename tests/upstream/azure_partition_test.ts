import assert from "node:assert/strict";
import type { Authorizer } from "../../src/credentials/authorizer.ts";
import { type ProfileName, profiles } from "../../src/dicomweb/profile/profile.ts";
import type { HttpClient } from "../../src/network/http_client.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { StoreClient } from "../../src/upstream/store_client.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { NEVER_RETRY, parsedServer } from "../fixtures/parsed_server.ts";

const SERVICE = "https://w-d.dicom.azurehealthcareapis.com/v2";
const PARTITION = `${SERVICE}/partitions/ward`;
const SERVER = await parsedServer({ Url: PARTITION });

async function asked(profile: ProfileName, target: string): Promise<string> {
  let asked = "";
  const client = new StoreClient({
    config: { ...SERVER, profile: profiles[profile], storeResilience: NEVER_RETRY },
    authorizer: { authorize: () => ({ headers: {} }) } as unknown as Authorizer,
    http: {
      send: (url: string) => {
        asked = url;
        return Promise.resolve(new Response());
      },
    } as unknown as HttpClient,
    logger: new MemoryLogger(),
    metrics: createMetrics(),
  });
  await client.send({
    method: "GET",
    target,
    headers: new Headers(),
    body: null,
    signal: new AbortController().signal,
  }, () => {});
  return asked;
}

/** Azure, "Data partitions": resources of the service, and of the partition. */
const ASKED: [target: string, url: string][] = [
  ["/studies?limit=1", `${PARTITION}/studies?limit=1`],
  ["/changefeed?offset=1", `${SERVICE}/changefeed?offset=1`],
  ["/changefeed/latest", `${SERVICE}/changefeed/latest`],
  ["/operations/1", `${SERVICE}/operations/1`],
  ["/extendedquerytags", `${SERVICE}/extendedquerytags`],
  ["/operationsX", `${PARTITION}/operationsX`],
  ["", PARTITION],
];

for (const [target, url] of ASKED) {
  Deno.test(`StoreClient: at an Azure partition, ${target || "the base URL"} is asked at ${url}`, async () => {
    assert.equal(await asked("azure", target), url);
  });
}

Deno.test("StoreClient: other stores have no resources beside their base URL", async () => {
  assert.equal(await asked("generic", "/operations/1"), `${PARTITION}/operations/1`);
});
