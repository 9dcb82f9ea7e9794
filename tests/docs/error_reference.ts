/**
 * Writes the reference of all error codes from the catalogue.
 */
import { catalogue, type ErrorCode, type ErrorEntry } from "../../src/errors/catalogue.ts";

const INTRODUCTION = `# Error codes

<!-- Made by \`deno task docs\` from src/errors/catalogue.ts. Change it there. -->

The gateway's own error responses are \`application/problem+json\` with one of these codes in
\`error_code\`. A response of the store passes with its own status and body and without a code. The codes
of the plugin \`orthanc-dicomweb-oauth\` keep their meaning.
`;

export function errorReference(): string {
  const entries = Object.entries(catalogue) as [ErrorCode, ErrorEntry][];
  const rows = entries.map(([code, { title, status, category, severity }]) =>
    `| [${code}](#${anchor(code, title)}) | ${title} | ${status} | ${category} | ${severity} |`
  );
  return [
    INTRODUCTION,
    "| Code | Title | HTTP status | Category | Severity |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
    ...entries.map(([code, entry]) => chapter(code, entry)),
  ].join("\n");
}

function chapter(code: ErrorCode, entry: ErrorEntry): string {
  const { title, description, troubleshooting } = entry;
  return [
    `## ${code}: ${title}`,
    "",
    description,
    "",
    ...troubleshooting.map((step) => `- ${linked(step.replaceAll(/[<>]/g, "\\$&"))}`),
    "",
  ].join("\n");
}

/** A page that a step names becomes a link, relative to `docs/`. */
function linked(step: string): string {
  return step.replaceAll(/\bdocs\/(\S+\.md)\b/g, "[$1]($1)");
}

/** The anchor of a heading in Markdown viewers. */
function anchor(code: ErrorCode, title: string): string {
  return `${code} ${title}`.toLowerCase().replaceAll(" ", "-");
}
