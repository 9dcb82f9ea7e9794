/**
 * Writes the reference of all configuration keys, from the schema that checks them.
 *
 * @module
 */
import { auditSchema } from "./audit.ts";
import { z } from "zod";
import { signingWays } from "./credentials/signing_ways.ts";
import { apiKeysSchema } from "./inbound/api_keys.ts";
import { issuerSchema } from "./inbound/issuers.ts";
import { permissionSchema } from "./inbound/permissions.ts";
import { basicSchema } from "./inbound/users.ts";
import { type JsonSchema, jsonSchemaOf } from "./json_schema.ts";
import { listenSchema } from "./listen.ts";
import { proxySchema } from "./proxy.ts";
import { resilienceSchema, timeoutsSchema } from "./resilience.ts";
import { SECTION, sectionKeys } from "./schema.ts";
import { serverKeys } from "./server.ts";
import { tokenCacheSchema } from "./token_cache.ts";

/** The smallest configuration that works, as the reference shows it. */
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
| \`\${file:PATH}\` | The content of the file without the line break at its end, as for secrets in files |
| \`$\${\` | \`\${\` as it is |

Defaults and paths may hold variables themselves: \`\${file:\${CREDENTIALS_DIRECTORY}/secret}\`. What a
variable or a file holds is taken as it is. Numbers and booleans may come from variables too:
\`"Port": "\${PORT:-8043}"\`. Paths are relative to the directory of the configuration file.
`;

/**
 * Writes the reference.
 *
 * @returns A page of Markdown.
 */
export function configurationReference(): string {
  const sections = [
    INTRODUCTION,
    section(`The section \`${SECTION}\``, "", {
      Servers: z.looseObject({}).describe(
        "The stores, by name. A name begins with a letter or digit and goes on with letters, " +
          "digits, `.`, `_` and `-`",
      ),
      ...sectionKeys,
    }),
    section("`LogLevels`", "", sectionKeys.LogLevels.unwrap().shape),
    section("`Listen`", "", listenSchema.shape),
    section("`Listen.Tls`", "", listenSchema.shape.Tls.unwrap().shape),
    section(
      "`Authentication.Basic`",
      "Users with passwords; see [security/authentication.md](security/authentication.md).\n",
      basicSchema.shape,
    ),
    section("`Authentication.ApiKeys`", "", apiKeysSchema.shape),
    section("`Authentication.Jwt.{name}`", "", issuerSchema.shape),
    section("`Permissions[…]`", "", permissionSchema.shape),
    section("`TokenCache`", "", tokenCacheSchema.shape),
    section("`Audit`", "", auditSchema.shape),
    section("`Audit.Syslog`", "", auditSchema.shape.Syslog.unwrap().shape),
    section("`Proxy`", "", proxySchema.shape),
    section("`Servers.{name}`", "Every server has these keys, and those of its way of signing.\n", {
      ...serverKeys,
    }),
    ...signingWays.map(({ title, description, chosenBy, keys }) =>
      section(`Signing: ${title}`, `${description} Chosen by ${choice(chosenBy)}.\n`, keys)
    ),
    section("`Servers.{name}.Timeouts`", "", timeoutsSchema.shape),
    section(
      "`Servers.{name}.ResilienceConfig`",
      "Names, meaning and defaults are the plugin's.\n",
      resilienceSchema.shape,
    ),
  ];
  return sections.join("\n");
}

function section(title: string, text: string, shape: z.core.$ZodLooseShape): string {
  const schema = jsonSchemaOf(z.object(shape));
  const required = new Set(schema.required);
  const rows = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const property = value as JsonSchema;
    const standard = required.has(key) ? "required" : code(property.default);
    const cells = [`\`${key}\``, kind(property, schema), standard, property.description ?? ""];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  const head = ["| Key | Value | Default | Meaning |", "| --- | --- | --- | --- |"];
  return [`## ${title}\n`, ...(text === "" ? [] : [text]), ...head, ...rows, ""].join("\n");
}

function kind(schema: JsonSchema, root: JsonSchema): string {
  if (schema.$ref !== undefined) return kind(referred(schema.$ref, root), root);
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.map((one) => kind(one as JsonSchema, root)))].join(" or ");
  }
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(", ");
  switch (schema.type) {
    case "array":
      return `list of ${kind(schema.items as JsonSchema, root)}`;
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

function referred(reference: string, root: JsonSchema): JsonSchema {
  return root.$defs?.[reference.replace("#/$defs/", "")] as JsonSchema;
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
