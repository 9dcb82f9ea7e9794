/**
 * The least that a forwarder in this runtime can do: `Deno.serve` and `fetch`, the body passed on, one
 * header added. Prints its port.
 *
 * @module
 */
import { printLine } from "./print_line.ts";

const [store, ca] = Deno.args;
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
    return await fetch(target, { method, headers, body, client, redirect: "manual" });
  },
);
printLine(`${server.addr.port}`);
