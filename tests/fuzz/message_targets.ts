/**
 * Messages that are read completely: configurations, responses of identity providers, responses to
 * storing.
 */
import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/values/config_error.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { explainMetadata } from "../../src/credentials/oauth2/provider_metadata.ts";
import { parseTokenResponse } from "../../src/credentials/oauth2/token_response.ts";
import { REPORT_TYPES, stowReportBody } from "../../src/dicomweb/stow/stow_report_body.ts";
import { readStowAnswer } from "../../src/dicomweb/stow/stow_response.ts";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { loadFromMemory } from "../config/memory_files.ts";
import { firstLine, type FuzzTarget, latin1 } from "./target.ts";

const SECRET = "s3cret-of-the-client";
const decoder = new TextDecoder();

/** Runs a function that may fail only with a `GatewayError`. */
function onlyGatewayErrors(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    assert(!`${error.message} ${error.entry.troubleshooting}`.includes(SECRET), "leaked a secret");
  }
}

/** A configuration: it loads, or a `ConfigError` names the faulty keys. */
export const configuration: FuzzTarget = {
  name: "configuration",
  words: ['"Servers":', '"Url":', '"ProviderType":', "${HOME}", "${file:x}", "// c\n", "/* c */"],
  async run(input) {
    try {
      await parseConfig(await loadFromMemory(decoder.decode(input)));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      assert(error.problems.length > 0);
      assert(!error.message.includes(SECRET), "the message tells a secret");
    }
  },
};

/**
 * A response of a token endpoint: a token with a lifetime within bounds, or a code of the
 * catalogue.
 */
export const tokenResponse: FuzzTarget = {
  name: "token-response",
  words: ['"access_token":', '"expires_in":', '"token_type":"Bearer"', '"error":', SECRET],
  run(input) {
    const [status, body] = firstLine(input);
    const context = { server: "main", issuedAtMs: 0, secrets: [SECRET] };
    onlyGatewayErrors(() => {
      const response = { status: Number(status) | 0, headers: new Headers(), body: latin1(body) };
      const token = parseTokenResponse(response, context);
      assert(token.value.length > 0);
      assert(token.expiresAtMs > 0 && token.expiresAtMs <= 86_400_000, `${token.expiresAtMs}`);
      new Headers({ authorization: `Bearer ${token.value}` });
    });
  },
};

/** An issuer's metadata: the token endpoint is at an allowed host, or the metadata is rejected. */
export const providerMetadata: FuzzTarget = {
  name: "provider-metadata",
  words: ['"issuer":', '"token_endpoint":', "https://idp.example", "https://idp.example@evil.test"],
  run(input) {
    const url = "https://idp.example";
    const configured = { kind: "issuer", url, allowedHosts: ["idp.example:443"] } as const;
    onlyGatewayErrors(() => {
      const context = { server: "main", configured, mutualTls: false };
      const { tokenEndpoint } = explainMetadata(decoder.decode(input), context);
      assert.equal(new URL(tokenEndpoint).host, "idp.example");
      assert.equal(new URL(tokenEndpoint).protocol, "https:");
    });
  },
};

/** A response to storing: it is read safely, and the written report can be read again. */
export const stowAnswer: FuzzTarget = {
  name: "stow-answer",
  words: ['"00081199":', '"00081198":', '"vr":"SQ"', '"Value":[', "<NativeDicomModel>", "]}"],
  run(input) {
    const [type, body] = firstLine(input);
    const answer = readStowAnswer(decoder.decode(body), type);
    if (answer.kind !== "report") return;
    for (const format of ["json", "xml"] as const) {
      const again = readStowAnswer(stowReportBody(answer.report, format), REPORT_TYPES[format]);
      assert(again.kind === "report" && again.format === format);
      assert.equal(again.report.stored.length, answer.report.stored.length);
      assert.equal(again.report.failed.length, answer.report.failed.length);
    }
  },
};
