/**
 * Markdown of `docs/` as HTML: nothing of the text becomes markup but Markdown's own constructs, and
 * links lead to other documents or to the web.
 */
import type { Tokens } from "marked";

/** Base of the documents while links are resolved; only its path matters. */
const DOCUMENTS = "http://gateway/docs/";

/** GitHub's anchor of a heading: the documents link to these. */
export function headingId(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-");
}

/**
 * @param path Of the document, below `docs/`.
 * @returns Its title, as text, and its body, as HTML.
 */
export async function renderDocument(
  path: string,
  markdown: string,
): Promise<{ readonly title: string; readonly html: string }> {
  // Only who reads documentation waits for the library.
  const { Marked } = await import("marked");
  const base = new URL(path, DOCUMENTS);
  const ids = new Map<string, number>();
  let title = path;
  const marked = new Marked({
    renderer: {
      html: ({ text }) => text.startsWith("<!--") ? "" : escaped(text),
      heading({ tokens, depth }) {
        const text = plainText(tokens);
        if (depth === 1) title = text;
        const id = headingId(text);
        const uses = ids.get(id) ?? 0;
        ids.set(id, uses + 1);
        const unique = uses === 0 ? id : `${id}-${uses}`;
        const content = this.parser.parseInline(tokens);
        return `<h${depth} id="${escaped(unique)}">${content}</h${depth}>\n`;
      },
      // False: by the library, which escapes the address.
      link({ href, tokens }) {
        return leadsSomewhere(href, base) ? false : this.parser.parseInline(tokens);
      },
      image: ({ href, text }) => isDocument(href, base) ? false : escaped(text),
    },
  });
  const html = await marked.parse(markdown);
  return { title, html };
}

/** The files of the repository outside `docs/` are not served. */
function leadsSomewhere(href: string, base: URL): boolean {
  return /^https?:\/\//i.test(href) || isDocument(href, base);
}

function isDocument(href: string, base: URL): boolean {
  const url = URL.parse(href, base);
  return url !== null && url.href.startsWith(DOCUMENTS) && /\.(?:md|json|png)$/.test(url.pathname);
}

function plainText(tokens: readonly Tokens.Generic[]): string {
  return tokens.map(({ tokens, text, raw }) => tokens ? plainText(tokens) : text ?? raw).join("");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
