/**
 * The pages of providers: fragments of configurations load, and the tables of errors state the code that
 * the gateway gives, with the provider's own advice.
 */
import assert from "node:assert/strict";
import type { ProviderName } from "../../src/config/schemes/oauth2/identity_provider.ts";
import { findAdvice } from "../../src/credentials/provider_advice.ts";
import { parseTokenResponse } from "../../src/credentials/oauth2/token_response.ts";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { problemsOf } from "../config/memory_files.ts";
import { root } from "./generated_docs.ts";

const SECRETS = { env: { REDIS: "secret" } };

function textOf(page: string): string {
  return Deno.readTextFileSync(new URL(`docs/${page}`, root));
}

/** Keys that a fragment is written into: those of a server, or of the section. */
const fragments: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>> = {
  "providers/generic-oauth2.md": {
    TokenEndpoint: "https://idp.example/token",
    ClientId: "gateway",
    ClientSecret: "secret",
  },
  "providers/google.md": {},
  "tokens.md": undefined,
};

for (const [page, server] of Object.entries(fragments)) {
  const found = [...textOf(page).matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, json]) => json!);
  for (const [index, fragment] of found.entries()) {
    Deno.test(`${page}: fragment ${index + 1} of a configuration loads`, async () => {
      const text = fragment.replaceAll(/\$\{file:[^}]+\}/g, btoa("x".repeat(32)));
      const keys = JSON.parse(`{${text}}`);
      const main = { Url: "https://store.example/dicom-web", ProviderType: "none" };
      const section = server === undefined
        ? { Servers: { main }, ...keys }
        : { Servers: { main: { Url: main.Url, ...server, ...keys } } };
      assert.deepEqual(await problemsOf({ DicomWebOAuth: section }, SECRETS), []);
    });
  }
  assert(found.length > 0, page);
}

interface Row {
  readonly answer: string;
  readonly code: string;
}

/** Rows of the table whose second column is a code. */
function rowsOf(page: string): Row[] {
  return [...textOf(page).matchAll(/^\| (.+?) +\| ([A-Z]+-\d{3}) +\|/gm)]
    .map(([, answer, code]) => ({ answer: answer!, code: code! }));
}

/** The pages whose tables quote responses of a token endpoint; undefined: any provider's. */
const providers: Readonly<Record<string, ProviderName | undefined>> = {
  "providers/auth0.md": "auth0",
  "providers/keycloak.md": "keycloak",
  "providers/okta.md": "okta",
  "providers/pingone.md": "pingone",
  "providers/smart.md": "smart",
  "providers/generic-oauth2.md": undefined,
};

for (const [page, provider] of Object.entries(providers)) {
  let tested = 0;
  for (const { answer, code } of rowsOf(page)) {
    const errors = [...answer.matchAll(/`([a-z]+_[a-z_]+)`/g)].map(([, error]) => error!);
    const texts = [...answer.matchAll(/"([^"]+)"/g)].map(([, text]) =>
      text!.replaceAll("…", " x ")
    );
    const status = Number(/^\d{3}/.exec(answer)?.[0] ?? 400);
    if (errors.length === 0) continue;
    tested++;
    Deno.test(`${page}: ${answer.slice(0, 90)} is ${code}`, () => {
      for (const error of errors) {
        for (const description of texts.length === 0 ? [""] : texts) {
          const refusal = { endpoint: "https://idp.example/token", provider, status, error };
          const body = JSON.stringify({ error, error_description: description });
          const context = { ...refusal, server: "main", issuedAtMs: 0, secrets: [] };
          try {
            parseTokenResponse({ status, headers: new Headers(), body }, context);
            assert.fail("no failure");
          } catch (thrown) {
            assert(thrown instanceof GatewayError, String(thrown));
            assert.equal(thrown.code, code, description);
          }
          if (provider !== undefined) {
            assert.equal(findAdvice({ ...refusal, description })?.provider, provider, description);
          }
        }
      }
    });
  }
  assert(tested > 1, page);
}

for (const { answer, code } of rowsOf("providers/azure.md")) {
  if (!answer.startsWith("AADSTS")) continue;
  Deno.test(`providers/azure.md: ${answer} is ${code}`, () => {
    for (const [number] of answer.matchAll(/\d+/g)) {
      const description = `AADSTS${number}: x Trace ID: y`;
      const found = findAdvice({ endpoint: "", provider: "azure", status: 400, description });
      assert.match(found?.steps[0] ?? "", /^Entra: /, number);
      assert.equal(found?.code ?? "TOK-001", code, number);
    }
  });
}
