/**
 * Gets the token of another identity provider that Google exchanges: from a file that is read anew each
 * time, from a URL, such as the metadata service of another cloud, or from AWS.
 */
import type {
  GoogleFederation,
  GoogleUrlSubject,
} from "../../config/schemes/google/google_credentials.ts";
import { readCredentialFile } from "../credential_file.ts";
import { jsonObject } from "../json_object.ts";
import {
  cannotFetch,
  exchange,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import { parseTokenResponse } from "../oauth2/token_response.ts";
import { awsSubjectToken } from "./aws_subject_token.ts";

const SERVICE = "provider of the subject token";

/**
 * Gets a subject token.
 *
 * @throws {GatewayError} TOK-001 for an unusable file, TOK-005 if the token is not in its field, and as
 * `parseTokenResponse` and `exchange` for a URL.
 */
export async function subjectToken(
  { subject, audience }: Pick<GoogleFederation, "subject" | "audience">,
  connection: ProviderConnection,
  signal: AbortSignal,
): Promise<string> {
  if (subject.from === "aws") return await awsSubjectToken(subject, audience, connection, signal);
  const { server } = connection;
  const text = subject.from === "file"
    ? await readCredentialFile(subject.file, {
      server,
      code: "TOK-001",
      step:
        "Check credential_source.file in the credentials file, and that the program which writes " +
        "the token runs and lets the gateway's user read it",
    })
    : await fromUrl(subject, connection, signal);
  const token = subject.field === undefined ? text : jsonObject(text)?.[subject.field];
  if (typeof token === "string" && token !== "") return token;
  const place = subject.from === "file"
    ? `the file ${subject.file}`
    : `the answer of the ${SERVICE}`;
  const state = `${place} does not contain the text "${subject.field}" that the credentials file ` +
    `names`;
  throw cannotFetch("TOK-005", server, state);
}

function fromUrl(
  { url, headers: configured }: GoogleUrlSubject,
  connection: ProviderConnection,
  signal: AbortSignal,
): Promise<string> {
  const { server, clock } = connection;
  const headers = Object.fromEntries(
    Object.entries(configured).map(([name, value]) => [name, value.reveal()]),
  );
  return withinTimeLimit(connection, SERVICE, signal, async (signal) => {
    const issuedAtMs = clock.now();
    const answer = await exchange(connection, SERVICE, { url, headers, signal });
    if (answer.status < 300) return answer.body.trim();
    // Throws: the status is that of a failure.
    return parseTokenResponse(answer, {
      server,
      issuedAtMs,
      secrets: Object.values(headers),
      service: SERVICE,
      endpoint: url,
    }).value;
  });
}
