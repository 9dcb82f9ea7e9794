/**
 * Serves the files of `docs/`, so that the links of the status page work in a binary, in an image and
 * without the internet.
 */
import type { Context } from "hono";
import { raw } from "hono/html";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { GatewayEnv, PageParts } from "../gateway_env.ts";
import { renderDocument } from "./render_document.ts";
import { BASE_STYLE, hashOf, PAGE_HEADERS } from "./status_page_style.ts";

const STYLE = `
${BASE_STYLE}
main,nav{max-width:860px;margin:0 auto;padding:0 24px}
nav{padding-top:20px;font-size:13px}
main{padding-bottom:60px;overflow-wrap:break-word}
h1{font-size:28px;line-height:1.25;letter-spacing:-.02em;margin:14px 0 18px}
h2{font-size:20px;margin:36px 0 10px}
h3{font-size:16px;margin:26px 0 8px}
:target{background:var(--warn-bg);scroll-margin-top:12px}
li{margin:4px 0}
code{background:var(--idle-bg);border-radius:4px;padding:1px 4px}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px;overflow:auto}
pre code{background:none;padding:0}
table{display:block;overflow-x:auto;overflow-wrap:normal;border-collapse:collapse;font-size:14px}
th,td{border:1px solid var(--line);padding:6px 10px;text-align:left;vertical-align:top}
td{background:var(--card)}
img{max-width:100%}
blockquote{margin:0;padding-left:14px;border-left:3px solid var(--line);color:var(--muted)}
`.trim();

const HEADERS: Readonly<Record<string, string>> = {
  ...PAGE_HEADERS,
  "content-security-policy": [
    "default-src 'none'",
    `style-src ${hashOf(STYLE)}`,
    "img-src 'self' data:",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
};

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  json: "application/json",
  png: "image/png",
};

/** Where reading begins: in the head of every page. */
const CHAPTERS: Readonly<Record<string, string>> = {
  "Troubleshooting": "troubleshooting.md",
  "Error codes": "error-codes.md",
  "Providers": "providers.md",
  "Configuration": "configuration.md",
  "Installing": "install.md",
  "Operations": "operations.md",
  "Security": "security/threat-model.md",
};

/** @throws {GatewayError} NET-006 if there is no such document. */
export async function showDocument(
  c: Context<GatewayEnv>,
  { document }: PageParts,
  path: string,
): Promise<Response> {
  const content = await document(path);
  if (content === undefined) throw new GatewayError("NET-006", "No such document");
  for (const name in HEADERS) c.header(name, HEADERS[name]);
  const mediaType = MEDIA_TYPES[path.slice(path.lastIndexOf(".") + 1)];
  if (mediaType !== undefined) return c.body(content, { headers: { "content-type": mediaType } });
  const { title, html } = await renderDocument(path, new TextDecoder().decode(content));
  // Relative, as a proxy may serve the gateway below a path.
  const root = "../".repeat(path.split("/").length + 1);
  return c.html(
    <>
      {raw("<!DOCTYPE html>")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="robots" content="noindex" />
          <title>{`${title} – DICOMweb OAuth Gateway`}</title>
          <link rel="icon" href="data:," />
          <style>{raw(STYLE)}</style>
        </head>
        <body>
          <nav>
            <a href={root}>Status of the gateway</a>
            {Object.entries(CHAPTERS).map(([name, chapter]) => (
              <>
                {" · "}
                <a href={`${root}dicomweb-oauth/docs/${chapter}`}>{name}</a>
              </>
            ))}
          </nav>
          <main>{raw(html)}</main>
        </body>
      </html>
    </>,
  );
}
