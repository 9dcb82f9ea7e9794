/**
 * Writes the reference of all error codes from the catalogue.
 *
 * @module
 */
import { catalogue, type ErrorCode, type ErrorEntry } from "../../src/errors/catalogue.ts";

const INTRODUCTION = `# Error codes

<!-- Made by \`deno task docs\` from src/errors/catalogue.ts. Change it there. -->

What the gateway itself answers when it cannot do what was asked is \`application/problem+json\` with one
of these codes in \`error_code\`. An answer of the store passes through with its own status and body and
carries none. The codes of the plugin \`orthanc-dicomweb-oauth\` have kept their meaning.
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
    ...troubleshooting.map((step) => `- ${step.replaceAll(/[<>]/g, "\\$&")}`),
    "",
  ].join("\n");
}

/** The anchor of a heading in Markdown viewers. */
function anchor(code: ErrorCode, title: string): string {
  return `${code} ${title}`.toLowerCase().replaceAll(" ", "-");
}
