/**
 * Links of the status page to the pages of `docs/` that the gateway serves.
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import { catalogue, type ErrorCode } from "../../errors/catalogue.ts";
import { headingId } from "./render_document.ts";

/** A link from the page at `/`: relative, as a proxy may serve the gateway below a path. */
export function DocumentLink(
  { path, heading }: { readonly path: string; readonly heading?: string },
): JSX.Element {
  const fragment = heading === undefined ? "" : `#${headingId(heading)}`;
  return <a href={`dicomweb-oauth/docs/${path}${fragment}`}>docs/{path}</a>;
}

export function ErrorCodeLink({ code }: { readonly code: ErrorCode }): JSX.Element {
  return <DocumentLink path="error-codes.md" heading={`${code} ${catalogue[code].title}`} />;
}
