/**
 * Every failure of an identity provider, which repeats what it received wherever it can.
 */
import { echo, give, type Grant, type ProviderAnswer } from "../fixtures/echoing_provider.ts";

const json = (status: number, error: string): ProviderAnswer => (shown) =>
  Response.json({
    error,
    error_description: echo(shown),
    error_uri: echo(shown),
    // As AWS and Google name them.
    code: error,
    message: echo(shown),
    Code: error,
    Message: echo(shown),
  }, { status, headers: { "x-echo": encodeURIComponent(echo(shown)) } });

const xml = (status: number, code: string): ProviderAnswer => (shown) =>
  new Response(
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${
      echo(shown).replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    }</Message></Error></ErrorResponse>`,
    { status, headers: { "content-type": "text/xml" } },
  );

/** By name. None of these responses is a token or a key set. */
export const failures: readonly [name: string, answer: (grant: () => Grant) => ProviderAnswer][] = [
  ["rejects the client, repeating all", () => json(401, "invalid_client")],
  ["rejects the scope, repeating all", () => json(400, "invalid_scope")],
  ["rejects the grant, repeating all", () => json(400, "invalid_grant")],
  ["repeats all in its error code", () => (shown) => json(400, echo(shown))(shown)],
  ["forbids, repeating all", () => json(403, "AccessDenied")],
  ["rejects in XML, repeating all", () => xml(403, "InvalidIdentityToken")],
  ["repeats all in an error code in XML", () => (shown) => xml(400, echo(shown))(shown)],
  ["fails, repeating all", () => json(500, "server_error")],
  [
    "is busy",
    () => (shown) => new Response(echo(shown), { status: 503, headers: { "retry-after": "1" } }),
  ],
  [
    "answers a login page that repeats all",
    () => (shown) =>
      new Response(`<p>${echo(shown)}`, { headers: { "content-type": "text/html" } }),
  ],
  ["answers JSON of another shape", () => (shown) => Response.json([echo(shown)])],
  [
    "redirects, repeating all",
    () => (shown) =>
      new Response(null, {
        status: 307,
        headers: { location: `http://127.0.0.1:1/?${encodeURIComponent(echo(shown))}` },
      }),
  ],
  [
    "gives a token of a type that repeats all",
    (grant) => (shown) => give(shown, grant(), { token_type: echo(shown), Expiration: "never" }),
  ],
  [
    "gives a token that cannot stand in a header",
    (grant) => (shown) => {
      const { token, secretAccessKey, sessionToken } = grant();
      return give(shown, {
        token: `${token} \n`,
        secretAccessKey: `${secretAccessKey} \n`,
        sessionToken: `${sessionToken} \n`,
      });
    },
  ],
  [
    "breaks off in the middle of a token",
    (grant) => async (shown) => {
      const text = await give(shown, grant()).text();
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(text.slice(0, text.length / 2)));
          setTimeout(() => controller.error(new Error("broken off")), 20);
        },
      });
      return new Response(body, { headers: { "content-length": String(text.length) } });
    },
  ],
  ["does not answer", () => () => new Promise(() => {})],
];
