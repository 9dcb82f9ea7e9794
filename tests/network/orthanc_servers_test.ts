import assert from "node:assert/strict";
import { OrthancServers } from "../../src/network/orthanc_servers.ts";
import { serveLoopback } from "../fixtures/listening.ts";

Deno.test("OrthancServers: a redirect is named, and the password not sent there", async () => {
  const reached: string[] = [];
  const elsewhere = serveLoopback(({ url }) => {
    reached.push(url);
    return new Response();
  });
  const location = `${elsewhere.url}/login?next=secret`;
  const orthanc = serveLoopback(() => new Response(null, { status: 302, headers: { location } }));
  const servers = new OrthancServers(orthanc.url, "Basic marked");
  await assert.rejects(servers.set("main", {}), {
    code: "NET-002",
    message: "Cannot configure Orthanc: 302: it redirects to " +
      `${elsewhere.url}: give that as --orthanc only if it is Orthanc's`,
  });
  assert.deepEqual(reached, []);
  servers.close();
  await orthanc.close();
  await elsewhere.close();
});
