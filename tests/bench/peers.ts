/**
 * Compares the gateway with its peers on this machine and writes `docs/performance.md`: `deno task
 * bench:peers [--rounds N] [--seconds N] [--large-mib N]`.
 */
import { parseArgs } from "node:util";
import { CertificateAuthority } from "../fixtures/certificate_authority.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { startMeasured } from "./gateway.ts";
import {
  compare,
  compareCosts,
  compareLatency,
  type Effort,
  FLOOR,
  GATEWAY,
  LOADS,
  type Peer,
} from "./comparison.ts";
import { writePeers } from "./document.ts";
import { growServers, growStreams, growWorkers } from "./growth.ts";
import { WRK } from "./loads.ts";
import { machineFacts } from "./machine.ts";
import { type Served, startScript } from "./processes.ts";
import { HAPROXY, NGINX, startHaproxy, startNginx } from "./proxies.ts";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    "large-mib": { type: "string", default: "1024" },
  },
});
const effort: Effort = {
  rounds: Number(flags.rounds),
  seconds: Number(flags.seconds),
  largeBytes: Number(flags["large-mib"]) * 2 ** 20,
};
const absent = [["wrk", WRK], ["nginx", NGINX], ["haproxy", HAPROXY]]
  .filter(([, path]) => !isThere(path!)).map(([name]) => name!);
if (absent.includes("wrk")) throw new Error("wrk is not installed; tests/e2e/install.sh does it");

const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-bench-" });
await using stack = new AsyncDisposableStack();
stack.defer(() => Deno.remove(directory, { recursive: true }));
// Sparse: reading it costs no disk.
await Deno.create(`${directory}/large`).then((file) => file.close());
await Deno.truncate(`${directory}/large`, effort.largeBytes);

const store = stack.use(await startScript("origin.ts", [`${directory}/large`]));
const storeUrl = `http://127.0.0.1:${store.port}/v2`;
const sections: string[] = [];

say("over plain HTTP");
const plain = [
  await gateway(serverAt(storeUrl)),
  peer(FLOOR, await startScript("floor.ts", [origin(store)])),
  ...absent.includes("nginx") ? [] : [peer("nginx", await startNginx({ store: store.port }))],
  ...absent.includes("haproxy") ? [] : [peer("HAProxy", await startHaproxy(store.port))],
];
sections.push("## Over plain HTTP\n", await compare(plain, LOADS, effort));

say("with two workers");
const many = LOADS.filter(({ unit }) => unit === "requests");
sections.push(
  "## Many requests, with `Workers` 2\n",
  await compare([await gateway(serverAt(storeUrl), 2), ...plain.slice(1)], many, effort),
);

say("searches against those who read or rewrite answers, too");
const floorThatReads = peer(
  "floor that reads",
  await startScript("floor.ts", [origin(store), "--reads"]),
);
const reading = [
  plain[0]!,
  floorThatReads,
  ...absent.includes("nginx") ? [] : [
    peer("nginx with sub_filter", await startNginx({ store: store.port, rewrites: true })),
  ],
];
const search = LOADS.filter(({ title }) => title.startsWith("small searches"));
sections.push(
  "## Answers read or rewritten by the others, too\n",
  await compare(reading, search, effort),
);

const bare = stack.use(await startGateway({ Servers: { main: serverAt(storeUrl) } }));
sections.push(
  "## Processor time of a small search\n",
  "The ratios are medians of those of each round.\n",
  await compareCosts(floorThatReads, [
    [{ ...plain[0]!, name: "gateway: key, permissions, URLs, audit" }, 2],
    [{ name: "gateway: URLs", pid: bare.pid, base: `${bare.url}/dicom-web/main` }, 1.5],
  ], effort),
);

say("latency");
const direct = { name: "direct", pid: store.pid, base: storeUrl };
sections.push(
  "## Small searches at 500 a second\n",
  await compareLatency([direct, ...plain], effort),
);

if (!absent.includes("nginx")) {
  say("over TLS");
  const authority = stack.use(await CertificateAuthority.create());
  const tls = await authority.issue({ commonName: "store", purpose: "server" });
  const ca = `${directory}/ca.pem`;
  await Deno.writeTextFile(ca, authority.certificatePem);
  const secure = stack.use(await startNginx({ store: store.port, tls }));
  const url = `https://127.0.0.1:${secure.port}`;
  const encrypted = [
    await gateway({ ...serverAt(`${url}/v2`), VerifySSL: ca, Compression: false }),
    peer(FLOOR, await startScript("floor.ts", [url, ca])),
  ];
  const large = LOADS.filter(({ title }) => !title.startsWith("small searches"));
  sections.push(
    "## A store that speaks TLS (nginx with a certificate authority of its own)\n",
    await compare(encrypted, large, effort),
  );
}

say("growth");
const main = serverAt(storeUrl);
sections.push("## Workers\n", await growWorkers(main, effort));
sections.push("## Configured servers\n", await growServers(main, effort));
sections.push("## Streams at once\n", await growStreams(main));

await writePeers(await document());

function serverAt(url: string): Record<string, unknown> {
  return { Url: url, ProviderType: "headers", Headers: { Authorization: "Bearer fixed" } };
}

async function gateway(server: Record<string, unknown>, Workers = 1): Promise<Peer> {
  const process = stack.use(await startMeasured({ Workers, Servers: { main: server } }));
  return { name: GATEWAY, pid: process.pid, base: `${process.url}/dicom-web/main` };
}

function peer(name: string, process: Served): Peer {
  stack.use(process);
  return { name, pid: process.pid, base: `${origin(process)}/v2` };
}

function origin({ port }: Served): string {
  return `http://127.0.0.1:${port}`;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function say(what: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`measuring ${what}\n`));
}

async function document(): Promise<string> {
  const programs: [string, ...string[]][] = [[WRK, "-v"]];
  if (!absent.includes("nginx")) programs.push([NGINX, "-v"]);
  if (!absent.includes("haproxy")) programs.push([HAPROXY, "-v"]);
  const [load = "?"] = (await Deno.readTextFile("/proc/loadavg")).split(" ");
  return `# Performance

Written by \`deno task bench:peers\`; run it to have the numbers of your own machine. Everything ran on one
machine at the same time: the store, the forwarder and the load generator share its cores, so compare
the columns, not their height. Each load was run ${effort.rounds} times against
all in turn; the numbers are medians. A large body has ${flags["large-mib"]} MiB.

- **gateway**: as the \`start\` task runs it, one worker: clients authenticated by a key and authorized,
  requests signed with a fixed header, URLs rewritten, metrics counted, an audit record
  written of each.
- **floor**: \`Deno.serve\` and \`fetch\` and nothing else: what the runtime can do.
- **floor that reads**: the floor that reads response bodies in JavaScript and notices clients that
  disconnect, both of which rewriting URLs requires. Its cost beyond the floor is the runtime's; the
  gateway's cost beyond it is ours.
- **nginx**: one worker, \`proxy_buffering off\`, \`proxy_request_buffering off\`, HTTP/1.1, connections kept.
- **HAProxy**: one thread.
${absent.length > 0 ? `- Not installed, and therefore left out: ${absent.join(", ")}.\n` : ""}
The store never compresses. The load average at the end was ${load}; what
is far above 3 on two cores means that something else ran meanwhile, and that these numbers say little.

${await machineFacts(programs)}
${sections.join("\n")}`;
}
