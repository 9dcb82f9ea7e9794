import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { audit, exitCode } from "../../deploy/supply_chain/audit.ts";
import { serveLoopback } from "../fixtures/listening.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Audits against a registry that knows one vulnerability, or answers otherwise. */
async function auditAgainst(answer: () => Response) {
  let asked: Record<string, string[]> = {};
  await using registry = serveLoopback(async (request) => {
    asked = await request.json();
    return answer();
  });
  const url = `${registry.url}/`;
  return { ...await audit(ROOT, { NPM_CONFIG_REGISTRY: url }), asked };
}

function advisory(severity: string): Response {
  return Response.json({
    hono: [{
      id: 1,
      url: "https://github.com/advisories/GHSA-0000-0000-0000",
      title: "A vulnerability that is made up",
      severity,
      vulnerable_versions: "<999",
      cwe: ["CWE-1"],
      cvss: { score: 5, vectorString: null },
    }],
  });
}

for (
  const [severity, verdict] of [
    ["low", "clean"],
    ["moderate", "vulnerable"],
    ["high", "vulnerable"],
    ["critical", "vulnerable"],
  ] as const
) {
  Deno.test(`audit: a known vulnerability of ${severity} severity makes the project ${verdict}`, async () => {
    const result = await auditAgainst(() => advisory(severity));
    assert.equal(result.verdict, verdict, result.report);
    if (verdict === "vulnerable") assert.match(result.report, /Package: +hono/);
  });
}

Deno.test("audit: every package of the lock file is checked, those of tests too", async () => {
  const { verdict, asked } = await auditAgainst(() => Response.json({}));
  assert.equal(verdict, "clean");
  const lock = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
  for (const key of Object.keys(lock.npm)) {
    const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key)!;
    assert(asked[name!]?.includes(version!), key);
  }
});

for (
  const [what, answer] of [
    ["refuses to say", () => new Response("Method Not Allowed", { status: 405 })],
    ["is broken", () => new Response("", { status: 500 })],
    ["answers with a page", () => new Response("<html>Log in</html>")],
  ] as const
) {
  Deno.test(`audit: if the registry ${what}, the result is unknown, which is no pass`, async () => {
    const { verdict, report } = await auditAgainst(answer);
    assert.equal(verdict, "unknown", report);
    assert.notEqual(report, "");
  });
}

Deno.test("audit: with an unreachable registry the result is unknown", async () => {
  const { verdict } = await audit(ROOT, { NPM_CONFIG_REGISTRY: "http://127.0.0.1:1/" });
  assert.equal(verdict, "unknown");
});

Deno.test("audit: a vulnerability always fails, an unknown result only with --strict", () => {
  assert.deepEqual(
    (["clean", "vulnerable", "unknown"] as const).map((verdict) => [
      exitCode(verdict, false),
      exitCode(verdict, true),
    ]),
    [[0, 0], [1, 1], [0, 1]],
  );
});

Deno.test("audit: the ok task audits before it tests", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  assert.match(tasks.ok.command, / && deno task audit && .* && deno task test$/);
});
