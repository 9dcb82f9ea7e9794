/**
 * Generates the reference of all configuration keys from their schema.
 */
import { z } from "zod";
import { sectionKeys } from "../gateway_config.ts";
import { serverKeys } from "../keys/server.ts";
import { privateKeyKeys } from "../schemes/oauth2/assertion_keys.ts";
import { tokenRequestKeys } from "../schemes/oauth2/token_request.ts";
import { schemes } from "../schemes/schemes.ts";
import { tokenKeys } from "../schemes/token_validation.ts";
import { SECTION } from "../values/section.ts";
import { type JsonSchema, jsonSchemaOf } from "./json_schema.ts";

export const EXAMPLE = `{
  "${SECTION}": {
    "Servers": {
      "main": {
        "Url": "https://store.example/dicom-web",
        "TokenEndpoint": "https://idp.example/oauth2/token",
        "ClientId": "gateway",
        "ClientSecret": "\${CLIENT_SECRET}",
        "Scope": "dicomweb"
      }
    }
  }
}`;

const INTRODUCTION = `# Configuration reference

<!-- Made by \`deno task docs\` from src/config/. Change it there. -->

The configuration is JSON in which comments and commas after the last item are allowed: either the
\`${SECTION}\` section of an \`orthanc.json\`, whose other keys do not matter here, or a file of its own
with the same section. The keys of the plugin \`orthanc-dicomweb-oauth\` have kept their meaning, and
files of its versions 1 and 2 load as they are.

\`\`\`json
${EXAMPLE}
\`\`\`

The file is looked for in this order: \`--config\`, the variable \`DICOMWEB_GATEWAY_CONFIG\`,
\`./gateway.json\`, \`dicomweb-gateway/gateway.json\` in \`$XDG_CONFIG_HOME\` (\`~/.config\` unless set),
\`/etc/dicomweb-gateway/gateway.json\`.

A key that is not listed here is an error. The command \`check\` lists everything that is wrong with a
file at once. \`gateway.schema.json\` beside this page is the JSON Schema for editors; name it in
\`"$schema"\` at the top of the file.

## Variables and secret files

In every string of the section:

| Written | Becomes |
| --- | --- |
| \`\${NAME}\` | The environment variable; it is an error if it is not set |
| \`\${NAME:-default}\` | The same, or the default if the variable is not set or empty |
| \`\${file:PATH}\` | The content of the file, in UTF-8, without the line break at its end, as for secrets in files |
| \`$\${\` | \`\${\` as it is |

Defaults and paths may hold variables themselves: \`\${file:\${CREDENTIALS_DIRECTORY}/secret}\`. What a
variable or a file holds is taken as it is. Numbers and booleans may come from variables too:
\`"Port": "\${PORT:-8043}"\`. Paths are relative to the directory of the configuration file.
`;

/** Keys that several credential schemes share. */
const SHARED: readonly { readonly title: string; readonly shape: z.core.$ZodLooseShape }[] = [
  {
    title: "Token requests",
    shape: Object.fromEntries(
      Object.entries(tokenRequestKeys).filter(([key]) => !Object.hasOwn(tokenKeys, key)),
    ),
  },
  { title: "Private keys", shape: privateKeyKeys },
  { title: "Renewal and validation of tokens", shape: tokenKeys },
];

/** The reference as a page of Markdown. */
export function configurationReference(): string {
  const pages = [
    INTRODUCTION,
    ...sections(`The section \`${SECTION}\``, "", schemaOf(sectionKeys)),
    ...sections(
      "`Servers.{name}`",
      "Every server has these keys, and those of its credential scheme.",
      schemaOf(serverKeys),
    ),
    ...SHARED.flatMap(({ title, shape }) =>
      sections(
        `Credentials: ${title}`,
        "Keys that several credential schemes have.",
        schemaOf(shape),
      )
    ),
    ...schemes.flatMap(({ title, description, chosenBy, keys }) => {
      const shared = SHARED.filter(({ shape }) =>
        Object.keys(shape).every((key) => Object.hasOwn(keys, key))
      );
      const own = Object.entries(keys).filter(([key, schema]) =>
        !shared.some(({ shape }) => shape[key] === schema)
      );
      const others = shared.map(({ title }) => `[${title}](#${anchor(`Credentials: ${title}`)})`);
      const text = [
        `${description} Chosen by ${choice(chosenBy)}.`,
        ...(others.length === 0
          ? []
          : [`Besides these it has the keys of ${others.join(" and ")}.`]),
      ];
      return sections(`Credentials: ${title}`, text.join(" "), schemaOf(Object.fromEntries(own)));
    }),
  ];
  return pages.join("\n");
}

function schemaOf(shape: z.core.$ZodLooseShape): JsonSchema {
  return jsonSchemaOf(z.object(shape));
}

/** The table of an object's keys, and those of the objects in it. */
function sections(title: string, text: string, schema: JsonSchema): string[] {
  const name = /^`([^`]+)`$/.exec(title)?.[1];
  const inner = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const found = objectIn(value);
    if (found === undefined) return [];
    const path = `${name === undefined ? "" : `${name}.`}${key}${found.step}`;
    return sections(`\`${path}\``, "", found.schema);
  });
  return [section(title, text, schema), ...inner];
}

/** An object with keys, perhaps in a list or by name. */
function objectIn(
  schema: unknown,
): { readonly step: string; readonly schema: JsonSchema } | undefined {
  if (typeof schema !== "object" || schema === null) return undefined;
  const { properties, items, additionalProperties } = schema as JsonSchema;
  if (properties !== undefined) return { step: "", schema: schema as JsonSchema };
  const [inner, step] = items === undefined ? [additionalProperties, ".{name}"] : [items, "[…]"];
  const found = objectIn(inner);
  return found && { ...found, step: `${step}${found.step}` };
}

function anchor(title: string): string {
  return title.toLowerCase().replace(/[^a-z0-9 _-]/g, "").replaceAll(" ", "-");
}

function section(title: string, text: string, schema: JsonSchema): string {
  const required = new Set(schema.required);
  const rows = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const property = value as JsonSchema;
    const standard = required.has(key) ? "required" : code(property.default);
    const cells = [`\`${key}\``, kind(property), standard, property.description ?? ""];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  const head = ["| Key | Value | Default | Meaning |", "| --- | --- | --- | --- |"];
  return [`## ${title}\n`, ...(text === "" ? [] : [`${text}\n`]), ...head, ...rows, ""].join("\n");
}

function kind(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.map((one) => kind(one as JsonSchema)))].join(" or ");
  }
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(", ");
  switch (schema.type) {
    case "array":
      return `list of ${kind(schema.items as JsonSchema)}`;
    case "integer":
      return `whole number${bounds(schema)}`;
    case "number":
      return `number${bounds(schema)}`;
    case "boolean":
      return "`true` or `false`";
    default:
      return String(schema.type);
  }
}

function bounds({ minimum, maximum }: JsonSchema): string {
  return `, ${minimum} to ${maximum}`;
}

function choice(chosenBy: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(chosenBy).map(([key, values]) =>
    `\`${key}\` ${values.map(code).join(", ")}`
  ).join(" and ");
}

function code(value: unknown): string {
  return value === undefined ? "" : `\`${JSON.stringify(value)}\``;
}
