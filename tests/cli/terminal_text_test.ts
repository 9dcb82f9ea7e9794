/**
 * What commands print of texts that others wrote.
 */
import assert from "node:assert/strict";
import { CT_IMAGE, dicomFile, newUid } from "../fixtures/dicom_file.ts";
import { runWithConfig } from "../fixtures/gateway_command.ts";
import { makeIssuerKey, signToken } from "../fixtures/jwt_issuer.ts";
import { serveLoopback } from "../fixtures/listening.ts";
import { startTokenEndpoint } from "../fixtures/token_endpoint.ts";

/** Sets the title of a terminal, begins a colour (C1), reverses the text, and begins a line. */
const HOSTILE = "\x1b]0;title\x07\u009b31m\u202e\nforged";
const CLEANED = "?]0;title??31m??forged";

/** Control characters but line breaks, and format characters. */
const ACTIVE = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u;

Deno.test("token and doctor print claims of a token without control characters", async () => {
  const endpoint = startTokenEndpoint();
  const key = await makeIssuerKey("RS256");
  const issuer = `https://login.example/${HOSTILE}`;
  const token = await signToken(key, {
    iss: issuer,
    aud: HOSTILE,
    scope: HOSTILE,
    roles: [HOSTILE],
  });
  endpoint.answer = () => Response.json({ access_token: token, expires_in: 300 });
  const store = serveLoopback(() => Response.json([]));
  const section = {
    StateDirectory: "state",
    Listen: { Port: 0 },
    Servers: { main: { Url: store.url, ...endpoint.serverKeys } },
  };
  try {
    for (const command of ["token", "doctor"]) {
      const { stdout, stderr } = await runWithConfig(section, [command, "main"]);
      assert.ok(stdout.includes(`https://login.example/${CLEANED}`), stdout + stderr);
      assert.doesNotMatch(stdout + stderr, ACTIVE);
      assert.doesNotMatch(stdout, /^forged/m);
    }
    const machine = await runWithConfig(section, ["token", "--json"]);
    assert.equal(JSON.parse(machine.stdout).servers[0].credential.issuer, issuer);
  } finally {
    await store.close();
    await endpoint.close();
  }
});

Deno.test("push prints names of files and the store's words without control characters", async () => {
  const store = serveLoopback(() =>
    new Response(`busy ${HOSTILE}`, { status: 503, headers: { "content-type": "text/plain" } })
  );
  const folder = await Deno.makeTempDir({ prefix: "terminal-text-" });
  const section = {
    StateDirectory: "state",
    Servers: { main: { Url: store.url, ProviderType: "none" } },
  };
  const file = dicomFile({
    sopClassUid: CT_IMAGE,
    sopInstanceUid: newUid(),
    seriesInstanceUid: "2.25.3",
    studyInstanceUid: "2.25.2",
  });
  try {
    await Deno.writeFile(`${folder}/1${HOSTILE}`, file);
    await Deno.writeFile(`${folder}/2${HOSTILE}`, file);
    await Deno.writeFile(`${folder}/3${HOSTILE}`, new Uint8Array([...file, 0, 0]));
    const { stdout, stderr } = await runWithConfig(section, ["push", folder, "--retries", "0"]);
    assert.ok(stdout.includes(`2${CLEANED}: the same as 1${CLEANED}`), stdout + stderr);
    assert.ok(stdout.includes(`3${CLEANED}: another file, 1${CLEANED}, contains`), stdout);
    assert.match(stderr, /Stopped: .*busy/);
    assert.doesNotMatch(stdout + stderr, ACTIVE);
  } finally {
    await store.close();
    await Deno.remove(folder, { recursive: true });
  }
});
