/**
 * Measures what clients that never finish their request do to others: `deno task bench:slow-clients
 * [--clients N] [--rounds N] [--seconds N]`. The given number withhold their headers and as many
 * their body, each sending one byte a second, while another client sends small searches. Exits with
 * 1 if the 99th percentile of those is at least twice as long as without them.
 */
import { parseArgs } from "node:util";
import { connectSlowClients } from "../fixtures/slow_clients.ts";
import { startMeasured } from "./gateway.ts";
import { askSteadily, type Latency } from "./loads.ts";
import { KEY, KEY_HEADER } from "./messages.ts";
import { printLine } from "./print_line.ts";
import { residentBytes, startScript } from "./processes.ts";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: {
    clients: { type: "string", default: "500" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "5" },
  },
});
const clients = Number(flags.clients);
/** Well below the capacity of two cores: the benchmark looks for waiting, not exhaustion. */
const REQUESTS_PER_SECOND = 100;

const empty = await Deno.makeTempFile();
await using stack = new AsyncDisposableStack();
stack.defer(() => Deno.remove(empty));
const store = stack.use(await startScript("origin.ts", [empty]));
const gateway = stack.use(
  await startMeasured({
    Servers: {
      main: {
        Url: `http://127.0.0.1:${store.port}/v2`,
        ProviderType: "headers",
        Headers: { Authorization: "Bearer fixed" },
      },
    },
  }),
);
const target = "/dicom-web/main/studies";
const ask = () => askSteadily(gateway.url + target, REQUESTS_PER_SECOND, Number(flags.seconds));

await ask();
const without: Latency[] = [];
const beside: Latency[] = [];
let rise = 0;
for (let round = 1; round <= Number(flags.rounds); round++) {
  without.push(await ask());
  const before = await residentBytes(gateway.pid);
  using slow = await connectSlowClients(gateway.url, {
    headers: clients,
    bodies: clients,
    target,
    headerLines: `${KEY_HEADER}: ${KEY}\r\n`,
    byteEveryMs: 1_000,
  });
  beside.push(await ask());
  rise = Math.max(rise, await residentBytes(gateway.pid) - before);
  printLine(
    `round ${round}: p99 ${p99Of(without.at(-1)!)} without, ${p99Of(beside.at(-1)!)} beside ` +
      `${slow.headersOpen} slow headers and ${slow.bodiesOpen} slow bodies`,
  );
}
const [alone, together] = [without, beside].map((all) => median(all.map(({ p99 }) => p99)));
const ratio = together! / alone!;
printLine(
  `medians: p99 ${alone!.toFixed(2)} ms without, ${together!.toFixed(2)} ms beside them, ` +
    `${ratio.toFixed(2)} times; memory rose by ${
      Math.round(rise / 2 ** 20)
    } MiB at most; load average ` +
    `${Deno.loadavg()[0]?.toFixed(1)}`,
);
Deno.exitCode = ratio < 2 ? 0 : 1;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function p99Of({ p99 }: Latency): string {
  return `${p99.toFixed(2)} ms`;
}
