/**
 * The store of the far benchmark in a process of its own: the demo's transactions in memory, without
 * access tokens. `/bench` is for the benchmark, which fills it, empties it, and verifies what was
 * stored. Prints its port.
 */
import { Hono } from "hono";
import { cors } from "hono/cors";
import { addTransactions, BASE_PATH } from "../../../src/demo/dicomweb_store.ts";
import { InstanceArchive, readInstance } from "../../../src/demo/instance_archive.ts";
import { Problem } from "../../../src/demo/problem.ts";
import { sha256 } from "../../fixtures/seeded_bytes.ts";
import { printLine } from "../print_line.ts";
import { makeStudy } from "./study.ts";

const MAX_BYTES = 4 * 2 ** 30;
const JPEG = { "content-type": "image/jpeg" };

const archive = new InstanceArchive(MAX_BYTES);
const service = new Hono().basePath(BASE_PATH);
// For a viewer that uses the store without the gateway.
service.use(cors());
service.use(async (c, next) => {
  await next();
  const { status, headers } = c.res;
  // The runtime would compress JSON on its own.
  headers.set("cache-control", "no-transform");
  // As Orthanc: small parts of a streamed answer wait for acknowledgements, 5 to 30 ms for a frame.
  if (c.req.path.includes("/instances/")) {
    c.res = new Response(await c.res.bytes(), { status, headers });
  }
});
// A tenth of the pixels: the size of a JPEG image, not its content.
service.get("/studies/:study/series/:series/instances/:instance/rendered", (c) => {
  const [found] = archive.select(c.req.param());
  if (found === undefined) throw new Problem(404, "There is no such instance");
  return new Response(found.file.slice(-found.file.length / 10), { headers: JPEG });
});
addTransactions(service, archive);
service.onError((error) => {
  if (error instanceof Problem) return error.toResponse();
  throw error;
});

const bench = new Hono().basePath("/bench");
bench.post("/fill", async (c) => {
  for (const { file } of makeStudy(await c.req.json())) archive.add(readInstance(file));
  return c.body(null, 204);
});
bench.post("/clear", (c) => {
  archive.remove({});
  return c.body(null, 204);
});
bench.get("/hashes", (c) => c.json(archive.select({}).map(({ file }) => sha256(file))));

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
  const app = new URL(request.url).pathname.startsWith("/bench/") ? bench : service;
  return app.fetch(request);
});
printLine(`${server.addr.port}`);
