/**
 * The gateway killed at random moments under load (10, or as many as `DICOMWEB_GATEWAY_KILLS` says),
 * while another shares its token cache: it restarts every time, the cache works or is discarded, and no
 * client received a false success.
 */
import assert from "node:assert/strict";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { startTokenEndpoint } from "../fixtures/token_endpoint.ts";
import { type FaultyStore, startFaultyStore } from "../soak/faulty_store.ts";
import { seededBytes, sha256 } from "../fixtures/seeded_bytes.ts";

const KILLS = Number(Deno.env.get("DICOMWEB_GATEWAY_KILLS") ?? 10);
const CLIENTS = 6;
const LONGEST_LIFE_MS = 700;

/** The same in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Tally {
  right: number;
  failed: number;
  readonly wrong: string[];
}

/** Stores and retrieves until it is over. */
async function load(
  url: string,
  store: FaultyStore,
  isOver: () => boolean,
  tally: Tally,
  seeds: () => number,
): Promise<void> {
  while (!isOver()) {
    const seed = seeds();
    const bytes = seededBytes(seed, 1 + seed * 7919 % (512 * 1024));
    const digest = sha256(bytes);
    try {
      const isUpload = seed % 2 === 0;
      const response = await fetch(
        isUpload ? `${url}/studies` : `${url}/studies/1.2?seed=${seed}&bytes=${bytes.length}`,
        isUpload ? { method: "POST", body: new Blob([bytes]).stream() } : {},
      );
      const body = await response.bytes();
      if (!response.ok) tally.failed++;
      else if (isUpload ? store.kept.has(digest) : sha256(body) === digest) tally.right++;
      else tally.wrong.push(`${isUpload ? "stored" : "retrieved"} ${seed}`);
    } catch {
      tally.failed++;
    }
  }
}

Deno.test(`A gateway that is killed ${KILLS} times under load restarts every time and confirmed only what was stored`, async () => {
  const random = randomNumbers(20_261_124);
  const provider = startTokenEndpoint();
  const store = startFaultyStore((token) => provider.issued.includes(token));
  const stateDirectory = await Deno.makeTempDir();
  const config = {
    TokenCache: { Backend: "kv", EncryptionKey: btoa("0123456789abcdef0123456789abcdef") },
    Servers: { main: { Url: store.url, ...provider.serverKeys } },
  };
  let nextSeed = 0;
  const seeds = () => ++nextSeed;
  const start = () => startGateway(config, { stateDirectory });
  const dicomWeb = ({ url }: GatewayProcess) => `${url}/dicom-web/main`;

  await using survivor = await start();
  let isDone = false;
  const survived: Tally = { right: 0, failed: 0, wrong: [] };
  const survivorLoad = load(dicomWeb(survivor), store, () => isDone, survived, seeds);

  const killed: Tally = { right: 0, failed: 0, wrong: [] };
  for (let kill = 1; kill <= KILLS; kill++) {
    const gateway = await start();
    const first = await fetch(`${dicomWeb(gateway)}/studies?seed=1&bytes=10`);
    assert.equal(first.status, 200, `start ${kill}: ${await first.text()}`);
    let isDead = false;
    const clients = Array.from(
      { length: CLIENTS },
      () => load(dicomWeb(gateway), store, () => isDead, killed, seeds),
    );
    await new Promise((resolve) => setTimeout(resolve, random() * LONGEST_LIFE_MS));
    // So that writes of the cache are interrupted too.
    const revoked = random() < 0.5
      ? fetch(`${gateway.url}/dicomweb-oauth/servers/main/token`, { method: "DELETE" })
        .then((response) => response.body?.cancel(), () => {})
      : undefined;
    const { success } = await gateway.stop("SIGKILL");
    assert.equal(success, false);
    isDead = true;
    await revoked;
    await Promise.all(clients);
  }
  isDone = true;
  await survivorLoad;
  await using later = await start();
  const last = await fetch(`${dicomWeb(later)}/studies?seed=1&bytes=10`);
  assert.deepEqual(await last.bytes(), seededBytes(1, 10));

  assert.deepEqual([...killed.wrong, ...survived.wrong], []);
  assert.equal(survived.failed, 0, "the gateway that shares the cache failed requests");
  assert.ok(killed.failed > 0, "no kill met a request");
  assert.ok(killed.right > KILLS && survived.right > KILLS, JSON.stringify({ killed, survived }));
  // Each start may discard the cache, each revocation costs a token: more is a storm.
  assert.ok(
    provider.requests.length <= 2 * KILLS + 2,
    `${provider.requests.length} token requests`,
  );
  await provider.close();
  await store.close();
  await Deno.remove(stateDirectory, { recursive: true });
});
