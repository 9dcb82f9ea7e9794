/**
 * The least that a forwarder in this runtime can do: `Deno.serve` and `fetch`, the body passed on,
 * one header added. With `--reads` it also does what rewriting responses requires: notice that the
 * client disconnects, and read the body in JavaScript. Prints its port.
 */
import { printLine } from "./print_line.ts";

const reads = Deno.args.includes("--reads");
const [store, ca] = Deno.args.filter((argument) => argument !== "--reads");
const client = Deno.createHttpClient({
  http1: true,
  http2: false,
  poolMaxIdlePerHost: 64,
  caCerts: ca === undefined ? [] : [await Deno.readTextFile(ca)],
});

const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen() {} },
  async (request) => {
    const headers = new Headers(request.headers);
    headers.delete("host");
    headers.set("authorization", "Bearer fixed");
    const { url, method, body } = request;
    const target = store! + url.slice(url.indexOf("/", "http://".length));
    const init = { method, headers, body, client, redirect: "manual" as const };
    if (!reads) return await fetch(target, init);
    const left = new AbortController();
    request.signal.addEventListener("abort", () => left.abort(), { once: true });
    const response = await fetch(target, { ...init, signal: left.signal });
    const answered: [string, string][] = [];
    response.headers.forEach((value, name) => answered.push([name, value]));
    return new Response(await response.bytes(), { status: response.status, headers: answered });
  },
);
printLine(`${server.addr.port}`);
