import assert from "node:assert/strict";
import { UnsecuredJWT } from "jose";
import { reportScopes, scopesNotGranted } from "../../../src/credentials/oauth2/granted_scopes.ts";
import type { Token, TokenSource } from "../../../src/credentials/token.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { never } from "../source_harness.ts";

const jwt = (claims: Record<string, unknown>) => new UnsecuredJWT(claims).encode();

/** What a token says, as scope of the response and value, and which scopes of "read write" it lacks. */
const CASES: readonly [says: string, scope: string | undefined, value: string, lacking: string][] =
  [
    ["no scope, which means as requested (RFC 6749, 5.1)", undefined, "opaque", ""],
    ["all, in another order", "write read", "opaque", ""],
    ["fewer in the response", "read", "opaque", "write"],
    ["others in the response", "profile", "opaque", "read write"],
    ["a part of the name", "read write2", "opaque", "write"],
    ["fewer in the JWT", undefined, jwt({ scope: "read" }), "write"],
    ["fewer in the JWT than in the response", "read write", jwt({ scope: "read" }), "write"],
    ["fewer in the response than in the JWT", "read", jwt({ scope: "read write" }), "write"],
    ["all in a list of Okta", undefined, jwt({ scp: ["read", "write"] }), ""],
    ["all in scp as text", undefined, jwt({ scp: "write read" }), ""],
    ["none in the JWT and none in the response", undefined, jwt({ sub: "gateway" }), "read write"],
    ["none in the JWT, all in the response", "read write", jwt({ sub: "gateway" }), ""],
    ["something else in the claim", undefined, jwt({ scope: 1, scp: ["read", 2] }), "write"],
  ];

for (const [says, scope, value, lacking] of CASES) {
  Deno.test(`scopesNotGranted compares a token that says ${says}`, () => {
    const token = { value, ...(scope !== undefined && { scope }) };
    assert.equal(scopesNotGranted("read  write read", token).join(" "), lacking);
  });
}

Deno.test("scopesNotGranted skips names that providers replace, and requests without scope", () => {
  const token = { value: "opaque", scope: "system/Patient.r" };
  assert.deepEqual(scopesNotGranted("https://dicom.test/.default system/*.rs", token), []);
  assert.deepEqual(scopesNotGranted(undefined, token), []);
});

function source(next: () => string): TokenSource {
  return {
    endpoint: "https://provider.test/token",
    fingerprint: "f",
    acquire: () => Promise.resolve(token(next())),
  };
}

function token(scope: string, issuedAtMs = 0): Token {
  return { value: "opaque", type: "Bearer", issuedAtMs, expiresAtMs: issuedAtMs + 1, scope };
}

Deno.test("reportScopes logs each set of lacking scopes once", async () => {
  const logger = new MemoryLogger();
  const granted = ["read", "read", "read write", "write", "read"];
  const options = { server: "main", requested: "read write", logger, clock: { now: () => 0 } };
  const reporting = reportScopes(source(() => granted.shift()!), options);
  for (const _ of [...granted]) await reporting.acquire(never);
  assert.deepEqual(logger.lines.map(({ level, message }) => `${level} ${message}`), [
    'warn The token for server "main" lacks a requested scope: write',
    'warn The token for server "main" lacks a requested scope: read',
  ]);
  assert.match(String(logger.lines[0]!.fields["advice"]), /Check Scope/);
});

Deno.test("reportScopes leaves to another worker what that worker's token lacks", async () => {
  const logger = new MemoryLogger();
  const options = { server: "main", requested: "read write", logger, clock: { now: () => 1000 } };
  const reporting = reportScopes(source(() => "read"), options);
  assert.equal(await reporting.accepts!(token("read", 999), never), true);
  assert.equal(await reporting.accepts!(token("write", 1001), never), true);
  await reporting.acquire(never);
  assert.deepEqual(logger.lines.map(({ message }) => message), [
    'The token for server "main" lacks a requested scope: write',
  ]);
  const other = reportScopes(source(() => "write"), options);
  await other.accepts!(token("write", 1001), never);
  await other.acquire(never);
  assert.equal(logger.lines.length, 1);
});
