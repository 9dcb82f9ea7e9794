/**
 * Sends requests at a steady rate, whether or not responses have arrived, in a process of its own.
 * Prints the median and the 99th percentile of the response times in milliseconds.
 *
 * `deno run paced.ts URL REQUESTS_PER_SECOND SECONDS`
 */
import { KEY, KEY_HEADER } from "./messages.ts";
import { printLine } from "./print_line.ts";

const [url, rateText, secondsText] = Deno.args;
const rate = Number(rateText);
const total = rate * Number(secondsText);
/** The first requests find connections and code cold. */
const warmUp = rate;
const times: number[] = [];
const waiting: Promise<void>[] = [];

async function ask(dueMs: number): Promise<void> {
  const response = await fetch(url!, { headers: { [KEY_HEADER]: KEY } });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`answered ${response.status}`);
  times.push(performance.now() - dueMs);
}

const startMs = performance.now();
for (let sent = 0; sent < total + warmUp;) {
  const due = (performance.now() - startMs) * rate / 1000;
  for (; sent < due && sent < total + warmUp; sent++) {
    const asked = ask(performance.now());
    if (sent === warmUp) {
      await Promise.all(waiting.splice(0));
      times.length = 0;
    }
    waiting.push(asked);
  }
  await new Promise((resolve) => setTimeout(resolve, 1));
}
await Promise.all(waiting);
times.sort((a, b) => a - b);
const at = (share: number) => times[Math.floor(times.length * share)];
printLine(JSON.stringify({ p50: at(0.5), p99: at(0.99) }));
