/**
 * Writes the reference of the headers that the gateway forwards, from the tables of the filter.
 */
import { PROTECTION } from "../../src/upstream/end_to_end_headers.ts";
import { PASSED_RESPONSE_HEADERS } from "../../src/upstream/passed_response_headers.ts";
import {
  type HeaderRule,
  STOPPED_REQUEST_HEADERS,
} from "../../src/upstream/stopped_request_headers.ts";

const REQUESTS = `# Headers

<!-- Made by \`deno task docs\` from src/upstream/stopped_request_headers.ts and passed_response_headers.ts.
Change it there. -->

Which header fields the gateway forwards between clients and stores, and why.

## Requests: what stops

All headers pass except those listed here. This is a denylist, not an allowlist, because
vendors read request headers of their own (Azure: \`msdicom-request-original\` requests an
instance as it was before a change). A store that misses such a header silently answers another
request. A \`*\` stands for any characters.

Three more rules apply to every name. A name with other characters than letters, digits and hyphens
stops: servers that make variables of header fields take \`X_Remote_User\` for \`X-Remote-User\`. A
header that \`Connection\` names stops. The header that \`Authentication.ApiKeys.Header\` names stops.

In the query, \`access_token\`, \`bearer_token\` and \`oauth_token\` stop, in whatever spelling a server
may read as such (RFC 6750, section 2.3); bytes and order of all other parameters stay.
`;

const ANSWERS = `## Answers: what passes

Only the headers listed here pass. A store does not know that its response is read at the gateway's
origin, which it shares with other stores and the status page. So headers
about a store's origin stop: \`Set-Cookie\`, \`Strict-Transport-Security\`, \`Alt-Svc\`, \`Clear-Site-Data\`, \`Refresh\`,
\`Service-Worker-Allowed\`, \`WWW-Authenticate\`, \`Content-Security-Policy\`, \`NEL\`, \`Report-To\`, CORS
and future ones of their kind. So do quotas of the gateway's own credential (\`RateLimit\`), timings
(\`Server-Timing\`) and names of software (\`Server\`, \`X-Powered-By\`).
`;

const ADDED = `## Answers: what the gateway adds

The gateway adds to every response of a store, regardless of its status:
`;

const RULES =
  `- \`Cache-Control\`: \`private\`, so that no shared cache stores patient data. \`public\`,
  \`s-maxage\`, \`proxy-revalidate\` and a \`private\` for some fields only are removed; stricter
  directives (\`no-store\`, \`no-cache\`) and the time for the client's own cache stay.
- \`Vary\`: the store's value, and \`Authorization\`, \`Cookie\`, \`Accept-Encoding\` and the header of
  \`Authentication.ApiKeys\`; with \`Cors\` also \`Origin\`.
- \`X-Request-ID\`: the gateway's.

\`Cross-Origin-Resource-Policy\` is \`cross-origin\` for pages that \`Cors.AllowedOrigins\` names. The
response to a WebSocket handshake has no headers of the store, and none of these.

The sandbox has a side effect: a browser that opens a store's HTML report by its URL runs no script in it, and
may not show a PDF. Viewers that fetch and show it by a script (as OHIF does with DICOM) are not
affected.
`;

export function headerReference(): string {
  return [
    REQUESTS,
    ...table(STOPPED_REQUEST_HEADERS),
    "",
    ANSWERS,
    ...table(PASSED_RESPONSE_HEADERS),
    "",
    ADDED,
    ...PROTECTION.map(([name, value]) => `- \`${properName(name)}: ${value}\``),
    RULES,
  ].join("\n");
}

function table(rules: readonly HeaderRule[]): string[] {
  return [
    "| What | Headers | Why |",
    "| --- | --- | --- |",
    ...rules.map(({ kind, names, reason }) =>
      `| ${kind} | ${names.map((name) => `\`${properName(name)}\``).join(", ")} | ${reason} |`
    ),
  ];
}

function properName(name: string): string {
  return name.replaceAll(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}
