/**
 * Links between documents lead to existing files and headings. Links to the web are not followed:
 * the tests contact no other host.
 */
import assert from "node:assert/strict";
import { root } from "./generated_docs.ts";

for (const path of documents()) {
  Deno.test(`links: those of ${path} lead somewhere`, () => {
    const broken = linksOf(Deno.readTextFileSync(new URL(path, root)))
      .filter((link) => !leadsSomewhere(path, link));
    assert.deepEqual(broken, []);
  });
}

Deno.test("links: a missing file, heading or line of text is noticed", () => {
  const leads = (link: string) => leadsSomewhere("README.md", link);
  assert.equal(leads("docs/configuration.md"), true);
  assert.equal(leads("docs/configuratoin.md"), false);
  assert.equal(leads("docs/http-interface.md#no-such-heading"), false);
  assert.deepEqual(linksOf("[a](b.md) `[c](d.md)`\n```\n[e](f.md)\n```\n![g](h.png 'i')"), [
    "b.md",
    "h.png",
  ]);
});

/** Paths of all documents, below the repository's root. */
function documents(): string[] {
  const found = ["README.md"];
  const visit = (directory: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(new URL(directory, root))) {
      if (isDirectory) visit(`${directory}${name}/`);
      else if (name.endsWith(".md")) found.push(`${directory}${name}`);
    }
  };
  for (const directory of ["docs/", "deploy/", "docker/"]) visit(directory);
  return found.sort();
}

/** The targets of a Markdown text's links, code excluded. */
function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^()\s]+)(?:\s+['"][^)]*)?\)/g)].map(([, target]) => target!);
}

function leadsSomewhere(from: string, link: string): boolean {
  if (/^(?:https?|mailto):/.test(link)) return true;
  const [path = "", heading] = link.split("#");
  const file = path === "" ? new URL(from, root) : new URL(path, new URL(from, root));
  try {
    if (heading === undefined) return Deno.statSync(file) !== undefined;
    return headingsOf(Deno.readTextFileSync(file)).has(heading);
  } catch {
    return false;
  }
}

/** GitHub's anchors for the headings of a Markdown text. */
function headingsOf(markdown: string): Set<string> {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```/gm, "");
  return new Set(
    [...prose.matchAll(/^#{1,6}\s+(.+?)\s*$/gm)].map(([, title]) =>
      title!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-")
    ),
  );
}
