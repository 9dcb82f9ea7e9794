/**
 * Gets the token of another identity provider that Google is to exchange: from a file that is read
 * anew each time, from a URL, such as the metadata service of another cloud, or from AWS.
 *
 * @module
 */
import type {
  GoogleFederation,
  GoogleUrlSubject,
} from "../../config/schemes/google/google_credentials.ts";
import { CredentialFileError, readCredentialFile } from "../credential_file.ts";
import {
  cannotFetch,
  exchange,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import { parseTokenResponse } from "../oauth2/token_response.ts";
import { awsSubjectToken } from "./aws_subject_token.ts";
import { withOAuthError } from "./google_error.ts";

const SERVICE = "provider of the subject token";

/**
 * Gets a subject token.
 *
 * @param federation Where from, and for which pool.
 * @throws {GatewayError} TOK-001 where a file gives none, TOK-005 where an answer holds none, and as
 * `parseTokenResponse` and `exchange` where a URL is asked.
 */
export async function subjectToken(
  { subject, audience }: Pick<GoogleFederation, "subject" | "audience">,
  connection: ProviderConnection,
  signal: AbortSignal,
): Promise<string> {
  if (subject.from === "aws") return await awsSubjectToken(subject, audience, connection, signal);
  const { server } = connection;
  const text = subject.from === "file"
    ? await fromFile(subject.file, server)
    : await fromUrl(subject, connection, signal);
  const token = subject.field === undefined ? text : member(text, subject.field);
  if (token !== undefined && token !== "") return token;
  const place = subject.from === "file"
    ? `the file ${subject.file}`
    : `the answer of the ${SERVICE}`;
  const state = `${place} does not contain the text "${subject.field}" that the credentials file ` +
    `names`;
  throw cannotFetch("TOK-005", server, state);
}

async function fromFile(file: string, server: string): Promise<string> {
  try {
    return await readCredentialFile(file);
  } catch (cause) {
    if (!(cause instanceof CredentialFileError)) throw cause;
    throw cannotFetch("TOK-001", server, cause.message, {
      troubleshooting: [
        "Check credential_source.file in the credentials file, and that the program which writes the " +
        "token runs and lets the gateway's user read it",
      ],
      cause,
    });
  }
}

function fromUrl(
  { url, headers }: GoogleUrlSubject,
  connection: ProviderConnection,
  signal: AbortSignal,
): Promise<string> {
  const { server, clock } = connection;
  const values = Object.entries(headers).map(([name, value]) => [name, value.reveal()] as const);
  return withinTimeLimit(connection, SERVICE, signal, async (signal) => {
    const issuedAtMs = clock.now();
    const answer = await exchange(connection, SERVICE, {
      url,
      headers: Object.fromEntries(values),
      signal,
    });
    if (answer.status < 300) return answer.body.trim();
    const secrets = values.map(([, value]) => value);
    parseTokenResponse(withOAuthError(answer), {
      server,
      issuedAtMs,
      secrets,
      service: SERVICE,
      endpoint: url,
    });
    throw new TypeError("A refusal was taken for a token");
  });
}

function member(text: string, field: string): string | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const value = typeof json === "object" && json !== null && Object.hasOwn(json, field)
      ? (json as Record<string, unknown>)[field]
      : undefined;
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
