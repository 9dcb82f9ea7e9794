/**
 * The store of the benchmarks in a process of its own: it answers at once, stores nothing, and
 * never compresses. Prints its port.
 */
import { instance, searchAnswer } from "./messages.ts";
import { STORED_REPORT } from "../fixtures/stow_request.ts";
import { printLine } from "./print_line.ts";

/** Bytes of one retrieved instance. */
const INSTANCE_BYTES = 512 * 1024;
/** `no-transform` disables the runtime's own compression. */
const UNCHANGED = { "cache-control": "no-transform" };

const [largeFile] = Deno.args;
const { size } = await Deno.stat(largeFile!);
const one = instance(INSTANCE_BYTES);
let search = new Uint8Array();

async function answer(request: Request): Promise<Response> {
  if (request.body !== null) {
    const reader = request.body.getReader();
    while (!(await reader.read()).done);
    return new Response(STORED_REPORT, { headers: { "content-type": "application/dicom+json" } });
  }
  if (request.url.endsWith("/studies/large")) {
    const { readable } = await Deno.open(largeFile!);
    return new Response(readable, {
      headers: {
        ...UNCHANGED,
        "content-type": "application/octet-stream",
        "content-length": `${size}`,
      },
    });
  }
  if (request.url.endsWith("/studies/slow")) return new Response(drops(), { headers: UNCHANGED });
  const [body, type] = request.url.includes("/instances/")
    ? [one, 'multipart/related; type="application/dicom"; boundary=part']
    : [search, "application/dicom+json"];
  return new Response(body, { headers: { ...UNCHANGED, "content-type": type } });
}

/** 16 KiB from time to time for a minute: the cost of an open stream. */
function drops(): ReadableStream<Uint8Array> {
  const drop = one.subarray(0, 16 * 1024);
  let left = 120;
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue(drop);
      await new Promise((resolve) => setTimeout(resolve, 500));
      if (--left === 0) controller.close();
    },
  });
}

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
search = searchAnswer(`http://127.0.0.1:${server.addr.port}/v2`);
printLine(`${server.addr.port}`);
