import assert from "node:assert/strict";
import { profiles, withRules } from "../../src/dicomweb/profile/profile.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import type { Authorization, KeptBody, OutboundRequest } from "../../src/credentials/authorizer.ts";
import { Deadlines } from "../../src/upstream/deadlines.ts";
import { parsedServer } from "../fixtures/parsed_server.ts";
import { CountingAuthorizer } from "../fixtures/counting_authorizer.ts";
import { within } from "../fixtures/deadline.ts";
import { failure, forward, withStore } from "./store_harness.ts";

/** Keeps the body and changes the URL, like signatures over both. */
class KeepingAuthorizer extends CountingAuthorizer {
  override readonly renewsAfter = [403];
  readonly events: string[] = [];
  override async authorize(request?: OutboundRequest): Promise<Authorization> {
    assert.ok(request);
    const kept = request.kept ?? await this.#keep(request.body);
    request.headers.delete("x-not-signed");
    return { ...await super.authorize(), url: `${request.url}?signed`, body: kept.open(), kept };
  }
  async #keep(body: OutboundRequest["body"]): Promise<KeptBody> {
    const text = await new Response(body).text();
    this.events.push("read");
    return {
      length: text.length,
      sha256: () => "",
      open: () => {
        this.events.push("open");
        return text;
      },
      close: () => void this.events.push("close"),
    };
  }
}

const STORED = { "00081199": { vr: "SQ", Value: [{}] } };

Deno.test("Store: status, headers and body of the store come back unchanged", async () => {
  await withStore(
    () =>
      new Response("not here", {
        status: 404,
        headers: { warning: "299 store", "content-type": "text/weird" },
      }),
    async (store, seen) => {
      const response = await forward(store, "/studies?PatientID=a%2Fb&x=1,2", {
        headers: { accept: "application/dicom+json", authorization: "Basic of-the-client" },
      });
      assert.equal(response.status, 404);
      assert.equal(response.headers.get("warning"), "299 store");
      assert.equal(response.headers.get("content-type"), "text/weird");
      assert.equal(await response.text(), "not here");
      assert.equal(new URL(seen[0]!.url).pathname, "/dicom-web/studies");
      assert.equal(new URL(seen[0]!.url).search, "?PatientID=a%2Fb&x=1,2");
      assert.equal(seen[0]!.headers.get("authorization"), "Bearer t1");
      assert.equal(seen[0]!.headers.get("x-request-id"), "request-1");
      assert.equal(seen[0]!.headers.get("user-agent"), "dicomweb-gateway/test");
    },
  );
});

Deno.test("Store: 401 on a request without a body is repeated once with a new token", async () => {
  await withStore(
    ({ headers }) =>
      headers.get("authorization") === "Bearer t2"
        ? new Response("ok")
        : new Response("no", { status: 401 }),
    async (store, seen) => {
      const response = await forward(store, "/studies");
      assert.equal(await response.text(), "ok");
      assert.equal(seen.length, 2);
    },
  );
});

Deno.test("Store: a second 401, on the new token, passes unchanged", async () => {
  await withStore(
    () => new Response("never", { status: 401, headers: { "www-authenticate": "Bearer" } }),
    async (store, seen) => {
      const response = await forward(store, "/studies");
      assert.equal(response.status, 401);
      assert.equal(await response.text(), "never");
      assert.equal(seen.length, 2);
    },
  );
});

Deno.test("Store: 401 on a streamed body is 502 TOK-002, and the next attempt has a new token", async () => {
  await withStore(
    ({ headers }) =>
      headers.get("authorization") === "Bearer t2"
        ? Response.json(STORED)
        : new Response(null, { status: 401 }),
    async (store, seen) => {
      const error = await failure(
        forward(store, "/studies", { method: "POST", body: new Blob(["dicom"]).stream() }),
      );
      assert.equal(error.code, "TOK-002");
      assert.equal(error.status, 502);
      const again = await forward(store, "/studies", { method: "POST", body: "dicom" });
      assert.equal(again.status, 200);
      await again.body?.cancel();
      assert.deepEqual(seen.map(({ headers }) => headers.get("authorization")), [
        "Bearer t1",
        "Bearer t2",
      ]);
    },
  );
});

Deno.test("Store: 401 passes if there is no other credential", async () => {
  await withStore(
    () => new Response("no", { status: 401 }),
    async (store, seen) => {
      const response = await forward(store, "/studies", { method: "POST", body: "x" });
      assert.equal(response.status, 401);
      assert.equal(await response.text(), "no");
      assert.equal(seen.length, 1);
    },
    { authorizer: new CountingAuthorizer([]) },
  );
});

Deno.test("Store: the authorizer sees a 403, which passes if it is about the client", async () => {
  const authorizer = new CountingAuthorizer([]);
  await withStore(
    () => new Response("not you", { status: 403 }),
    async (store, seen) => {
      const response = await forward(store, "/studies");
      assert.equal(response.status, 403);
      assert.equal(await response.text(), "not you");
      assert.equal(seen.length, 1);
      assert.deepEqual(authorizer.refusals, [403]);
    },
    { authorizer },
  );
});

Deno.test("Store: a body that signing kept is sent again after a rejection, to the signed URL, and freed at the end", async () => {
  const authorizer = new KeepingAuthorizer();
  await withStore(
    ({ headers }) =>
      headers.get("authorization") === "Bearer t2"
        ? Response.json(STORED)
        : new Response(null, { status: 403 }),
    async (store, seen) => {
      const done = Promise.withResolvers<void>();
      const response = await store.forward({
        request: new Request("http://gateway/studies", {
          method: "POST",
          body: new Blob(["dicom"]).stream(),
          headers: { "x-not-signed": "1", "transfer-encoding": "chunked" },
        }),
        target: "/studies",
        transaction: classify("POST", "/studies"),
        requestId: "request-1",
        publicUrl: undefined,
        completed: done.promise,
      });
      assert.equal(response.status, 200);
      assert.deepEqual(authorizer.events, ["read", "open", "open"]);
      done.resolve();
      await response.body?.cancel();
      await done.promise;
      await Promise.resolve();
      assert.deepEqual(authorizer.events, ["read", "open", "open", "close"]);
      for (const { body, url, headers } of seen) {
        assert.equal(body, "dicom");
        assert.equal(new URL(url).search, "?signed");
        assert.equal(headers.has("x-not-signed"), false);
      }
    },
    { authorizer },
  );
});

Deno.test("Store: a body that signing kept is freed when the exchange fails", async () => {
  const authorizer = new KeepingAuthorizer();
  await withStore(
    () => new Response(null, { status: 302, headers: { location: "/elsewhere" } }),
    async (store) => {
      await failure(forward(store, "/studies", { method: "POST", body: "dicom" }));
      assert.deepEqual(authorizer.events, ["read", "open", "close"]);
    },
    { authorizer },
  );
});

/**
 * A redirect's `Location` (`BASE` is the store's base URL), and where the error says that it leads;
 * none: it is followed.
 */
const REDIRECTS: [location: string, refused?: string][] = [
  ["BASE/studies/moved"],
  ["/dicom-web/studies/moved"],
  ["moved"],
  ["/elsewhere", "it leads to another path of ORIGIN, outside the base URL"],
  ["/dicom-web-evil/studies", "it leads to another path of ORIGIN, outside the base URL"],
  ["/dicom-web/../admin", "it leads to another path of ORIGIN, outside the base URL"],
  ["//evil.example/dicom-web/studies", "it leads to http://evil.example, outside the base URL"],
  ["https://evil.example/x?sig=s", "it leads to https://evil.example, outside the base URL"],
  ["http://user@evil.example:81/", "it leads to http://evil.example:81, outside the base URL"],
  ["javascript:alert(1)", "it leads outside the base URL"],
  [`https://${"a".repeat(300)}.example/`, "it leads outside the base URL"],
  ["http://", "its Location is not a URL"],
  // An alias of the store leads to the store's own base URL.
  ["https://alias.example/rs/studies/moved"],
  ["https://alias.example/rs/../admin", "it leads to https://alias.example, outside the base URL"],
  [
    "https://alias.example/rs/..%2fadmin",
    "it leads to https://alias.example, outside the base URL",
  ],
  ["https://alias.example/rs2/studies", "it leads to https://alias.example, outside the base URL"],
  [
    "https://alias.example.evil.test/rs/studies",
    "it leads to https://alias.example.evil.test, outside the base URL",
  ],
];

for (const [location, refused] of REDIRECTS) {
  const outcome = refused === undefined ? "followed" : `refused: ${refused}`;
  Deno.test(`Store: a redirect to ${location.slice(0, 40)} is ${outcome}`, async () => {
    await withStore(
      ({ url }) =>
        url.endsWith("/moved") ? new Response("moved") : new Response(null, {
          status: 307,
          headers: { location: location.replace("BASE", url.replace(/\/studies.*/, "")) },
        }),
      async (store, seen) => {
        if (refused === undefined) {
          const response = await forward(store, "/studies/1.2.3");
          assert.equal(await response.text(), "moved");
          assert.equal(seen[1]!.headers.get("authorization"), "Bearer t1");
          return;
        }
        const error = await failure(forward(store, "/studies/1.2.3"));
        assert.equal(error.code, "NET-004");
        assert.equal(
          error.message.split('"main": ')[1],
          refused.replace("ORIGIN", new URL(seen[0]!.url).origin),
        );
        assert.equal(seen.length, 1);
      },
      { config: { aliases: ["https://alias.example/rs"] } },
    );
  });
}

const WADO_QUERY = "?requestType=WADO&studyUID=1.2&seriesUID=3.4&objectUID=5.6";

/** The client's target, and the path and query at a store with WADO-URI at `/archive/wado`. */
const WADO_URI: [target: string, sent: string][] = [
  [`/wado${WADO_QUERY}`, `/archive/wado${WADO_QUERY}`],
  [WADO_QUERY, `/archive/wado${WADO_QUERY}`],
  [`/wado/${WADO_QUERY}`, `/archive/wado${WADO_QUERY}`],
  ["/wado?requestType=WADO", "/dicom-web/wado?requestType=WADO"],
  [`/studies/1.2${WADO_QUERY}`, `/dicom-web/studies/1.2${WADO_QUERY}`],
];

for (const [target, sent] of WADO_URI) {
  Deno.test(`Store: with WadoUriPath, ${target} is sent to ${sent}`, async () => {
    await withStore(() => new Response("x"), async (store, seen) => {
      const response = await forward(store, target);
      assert.equal(await response.text(), "x");
      const { pathname, search } = new URL(seen[0]!.url);
      assert.equal(pathname + search, sent);
      assert.equal(seen[0]!.headers.get("authorization"), "Bearer t1");
    }, { wadoUriPath: "/archive/wado" });
  });
}

Deno.test("Store: MaxTargetLength bounds path and query, and a longer target is 414", async () => {
  const { maxTargetLength: configured } = await parsedServer({ MaxTargetLength: 20_000 });
  const { maxTargetLength: usual } = await parsedServer();
  // What Orthanc 1.10.1 accepts.
  assert.ok(usual > 13_269);
  for (const maxTargetLength of [configured, usual]) {
    await withStore(() => Response.json([]), async (store, seen) => {
      const target = (length: number) => "/studies?StudyInstanceUID=1.2,".padEnd(length, "3.4,5.6");
      assert.equal((await forward(store, target(maxTargetLength))).status, 200);
      const error = await failure(forward(store, target(maxTargetLength + 1)));
      assert.deepEqual([error.code, error.status], ["NET-005", 414]);
      assert.match(error.message, new RegExp(`MaxTargetLength .* is ${maxTargetLength}$`));
      assert.equal(seen.length, 1);
    }, { config: { maxTargetLength } });
  }
});

Deno.test("Store: a redirect of a request with a body is refused, and a loop ends", async () => {
  await withStore(
    ({ url }) => new Response(null, { status: 308, headers: { location: url } }),
    async (store, seen) => {
      const stow = forward(store, "/studies", { method: "POST", body: "dicom" });
      assert.equal((await failure(stow)).code, "NET-004");
      assert.equal(seen.length, 1);
      assert.equal((await failure(forward(store, "/studies"))).code, "NET-004");
      assert.equal(seen.length, 7);
    },
  );
});

Deno.test("Store: 304 is no redirect", async () => {
  await withStore(
    () => new Response(null, { status: 304, headers: { etag: '"1"' } }),
    async (store) => {
      const response = await forward(store, "/studies/1.2.3");
      assert.equal(response.status, 304);
      assert.equal(response.body, null);
    },
  );
});

/** The client's condition, and its entity tag for a 304 with `"1"` of the store. */
const ASKED: [ifNoneMatch: string | undefined, etag: string][] = [
  ['"1"', '"1"'],
  ['W/"1"', 'W/"1"'],
  ['W/"0", W/"1"', 'W/"1"'],
  ['W/"1", "1"', '"1"'],
  ['W/"11"', '"1"'],
  ["*", '"1"'],
  [undefined, '"1"'],
];

for (const [asked, etag] of ASKED) {
  Deno.test(`Store: 304 to If-None-Match: ${asked} has the ETag ${etag}`, async () => {
    await withStore(
      () => new Response(null, { status: 304, headers: { etag: '"1"' } }),
      async (store, seen) => {
        const headers = asked === undefined ? {} : { "if-none-match": asked };
        const response = await forward(store, "/studies/1.2.3/metadata", { headers });
        assert.equal(response.headers.get("etag"), etag);
        assert.equal(seen[0]!.headers.get("if-none-match"), asked ?? null);
      },
    );
  });
}

Deno.test("Store: a target outside the base URL is refused before anything is sent", async () => {
  await withStore(() => new Response(), async (store, seen) => {
    for (const target of ["/../admin", "/%2e%2e/admin", "//evil.example/"]) {
      assert.equal((await failure(forward(store, target))).code, "NET-005");
    }
    assert.equal(seen.length, 0);
  });
});

Deno.test("Store: HeadersSeconds begins anew with each request of a retrieval by instance", async () => {
  let now = 0;
  const deadlines = new Deadlines(() => now);
  const uids = {
    "0020000E": { vr: "UI", Value: ["1.3"] },
    "00080018": { vr: "UI", Value: ["1.4"] },
  };
  await withStore(
    ({ url }) => {
      now += 12_000;
      deadlines.sweep();
      const { pathname, searchParams } = new URL(url);
      if (pathname.endsWith("/1.4")) {
        return new Response("DICM", { headers: { "content-type": "application/dicom" } });
      }
      if (!/\/(?:series|instances)$/.test(pathname)) return new Response(null, { status: 404 });
      return Response.json(searchParams.get("offset") === "1" ? [] : [uids]);
    },
    async (store, seen) => {
      const answer = await forward(store, "/studies/1.2");
      assert.match(await answer.text(), /DICM/);
      assert.ok(seen.length >= 4, `${seen.length} requests`);
    },
    {
      deadlines,
      timeouts: { headersMs: 30_000, transferMs: 300_000 },
      profile: withRules(profiles.generic, { retrieveByInstance: true }),
    },
  );
});

/** Sends a request to a store that does not respond, and waits until it has arrived there. */
async function withSilentStore(
  use: (answer: Promise<Response>) => Promise<void>,
  { deadlines, ...init }: RequestInit & { readonly deadlines?: Deadlines },
): Promise<void> {
  const arrived = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await withStore(
    async () => {
      arrived.resolve();
      await release.promise;
      return new Response();
    },
    async (store) => {
      const answer = forward(store, "/studies", init);
      await arrived.promise;
      await use(answer).finally(release.resolve);
    },
    { ...(deadlines && { deadlines }) },
  );
}

Deno.test("Store: a store that does not respond is a timeout after HeadersSeconds", () => {
  let now = 0;
  const deadlines = new Deadlines(() => now);
  return withSilentStore(async (answer) => {
    now = 5_000;
    deadlines.sweep();
    await assert.rejects(answer, {
      code: "NET-001",
      status: 504,
      message: 'Timeout while waiting for server "main" to answer (Timeouts.HeadersSeconds)',
    });
  }, { deadlines });
});

Deno.test("Store: the timeout of an upload that the store does not answer names TransferSeconds", () => {
  let now = 0;
  const deadlines = new Deadlines(() => now);
  return withSilentStore(async (answer) => {
    now = 5_000;
    deadlines.sweep();
    await assert.rejects(answer, { code: "NET-001", message: /\(Timeouts\.TransferSeconds\)$/ });
  }, { deadlines, method: "POST", body: "an upload" });
});

Deno.test("Store: a client that leaves ends the exchange with its own reason", () => {
  const client = new AbortController();
  return withSilentStore(async (answer) => {
    client.abort(new DOMException("left", "AbortError"));
    await assert.rejects(answer, { name: "AbortError" });
  }, { signal: client.signal });
});

for (const compression of [true, false]) {
  Deno.test(`Store: the store is ${compression ? "" : "not "}asked to compress`, async () => {
    await withStore(
      () => new Response("x"),
      async (store, seen) => {
        await (await forward(store, "/studies", { headers: { "accept-encoding": "br" } })).text();
        const asked = seen[0]!.headers.get("accept-encoding") ?? "";
        assert.equal(asked.includes("gzip"), compression);
        assert.equal(asked === "identity", !compression);
      },
      { compression },
    );
  });
}

Deno.test("Store closes the connection of a response that it holds while a further request fails", async () => {
  const held = Promise.withResolvers<void>();
  let body: ReadableStreamDefaultController | undefined;
  await withStore((_, count) => {
    if (count > 1) return Response.redirect("http://elsewhere.example/");
    const endless = new ReadableStream({
      start(controller) {
        body = controller;
        controller.enqueue(new Uint8Array(64 * 1024));
      },
      cancel: () => held.resolve(),
    });
    return new Response(endless, { status: 406 });
  }, async (store, seen) => {
    const headers = { accept: 'multipart/related; type="application/dicom"' };
    const { code } = await failure(forward(store, "/studies/1.2", { headers }));
    assert.equal(code, "NET-004");
    assert.equal(seen.length, 2);
    try {
      await within(10_000, "the end of the first response", held.promise);
    } catch (error) {
      body?.close();
      throw error;
    }
  });
});
