import assert from "node:assert/strict";
import { z } from "zod";
import {
  configurationReference,
  EXAMPLE,
} from "../../src/config/reference/configuration_reference.ts";
import { schemes } from "../../src/config/schemes/schemes.ts";
import { editorSchema } from "../../src/config/reference/json_schema.ts";
import { sectionKeys } from "../../src/config/gateway_config.ts";
import { serverKeys } from "../../src/config/keys/server.ts";
import { ruleKey } from "../../src/config/keys/store_profile.ts";
import type { RuleId } from "../../src/dicomweb/profile/profile.ts";
import { ruleCatalogue } from "../../src/dicomweb/profile/rule_catalogue.ts";
import { catalogue } from "../../src/errors/catalogue.ts";
import { problemsOf } from "../config/memory_files.ts";
import { errorReference } from "./error_reference.ts";
import { generatedDocs, root } from "./generated_docs.ts";
import { profileReference } from "./profile_reference.ts";

for (const { path, content } of await generatedDocs()) {
  Deno.test(`${path} is the output of deno task docs`, async () => {
    const onDisk = await Deno.readTextFile(new URL(path, root));
    assert(onDisk === content, `${path} differs from the source: run deno task docs`);
  });
}

Deno.test("The configuration reference explains every key", () => {
  const reference = configurationReference();
  const keys = [sectionKeys, serverKeys, ...schemes.map((way) => way.keys)].flatMap(
    Object.keys,
  );
  for (const key of keys) {
    assert.match(reference, new RegExp(`^\\| \`${key}\` \\| [^|]+ \\| [^|]* \\| .{6,} \\|$`, "m"));
  }
});

Deno.test("The example of the configuration reference loads", async () => {
  assert.deepEqual(await problemsOf(EXAMPLE, { env: { CLIENT_SECRET: "s" } }), []);
});

Deno.test("The error reference explains every code", () => {
  const reference = errorReference();
  for (const [code, { title, description, troubleshooting }] of Object.entries(catalogue)) {
    assert(reference.includes(`## ${code}: ${title}\n\n${description}\n\n- `), code);
    for (const step of troubleshooting) {
      const words = step.replaceAll(/[<>]/g, "\\$&").replace(/docs\/(.+\.md)/, "[$1]($1)");
      assert(reference.includes(`- ${words}`), step);
    }
  }
});

Deno.test("Every code in the table of the error reference leads to its chapter", () => {
  const reference = errorReference();
  const chapters = [...reference.matchAll(/^## (.+)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(/[^\w -]/g, "").replaceAll(" ", "-")
  );
  const links = [...reference.matchAll(/\]\(#([^)]+)\)/g)].map(([, link]) => link!);
  assert.equal(links.length, Object.keys(catalogue).length);
  for (const link of links) assert(chapters.includes(link), link);
});

Deno.test("The reference of profiles explains every rule with its source", () => {
  const reference = profileReference();
  for (const [id, { effect, reason, source }] of Object.entries(ruleCatalogue)) {
    const key = ruleKey(id as RuleId);
    assert(reference.includes(`| [\`${key}\`](#${key.toLowerCase()}) |`), key);
    assert(reference.includes(`## ${key}\n\n${effect} (`), key);
    assert(reference.includes(`\n\n${reason}\n\n`), key);
    assert(reference.includes(`\nSource: ${source}.\n`), key);
  }
});

/** What an editor must report about a configuration. */
const validated: readonly (readonly [good: boolean, section: Record<string, unknown>])[] = [
  [true, {}],
  [true, { Listen: { Port: 80, Address: "::1" }, LogLevel: "DEBUG", Workers: 2 }],
  [true, { Listen: { Port: "${PORT}" }, LogLevel: "${LEVEL}", Workers: "${N:-1}" }],
  [true, { TokenCache: { Backend: "redis", Url: "redis://x", EncryptionKey: ["${KEY}"] } }],
  [false, { Listen: { Port: "80a" } }],
  [false, { Listen: { Port: 99_999 } }],
  [false, { LogLevel: "LOUD" }],
  [false, { Unknown: 1 }],
  [true, { Servers: { a: { ProviderType: "none", Url: "${U}", Profile: "aws", Rules: {} } } }],
  [
    true,
    {
      Servers: { a: { ProviderType: "none", Url: "${U}", Rules: { DuplicateReasons: ["${D}"] } } },
    },
  ],
  [false, { Servers: { a: { ProviderType: "none", Url: "${U}", Profile: "amazon" } } }],
  [false, { Servers: { a: { ProviderType: "none", Url: "${U}", Rules: { rewriteUrls: true } } } }],
  [false, { Servers: { "a/b": { ProviderType: "none", Url: "https://a.example" } } }],
  [false, { Servers: { a: { ProviderType: "none" } } }],
  [false, { Servers: { a: { ProviderType: "none", Url: "https://a.example", ClientId: "c" } } }],
  [false, { Servers: { a: { Url: "https://a.example", ClientId: "c" } } }],
  [
    true,
    {
      Servers: {
        a: {
          Url: "${URL}",
          ProviderType: "azure",
          TenantId: "${TENANT}",
          ClientId: "c",
          ClientSecret: "s",
          VerifySSL: "/etc/ssl/ca.pem",
          ResilienceConfig: { CircuitBreakerEnabled: true },
        },
      },
    },
  ],
];

const editor = z.fromJSONSchema(editorSchema() as z.core.JSONSchema.JSONSchema);

for (const [good, section] of validated) {
  Deno.test(`The JSON Schema ${good ? "accepts" : "refuses"} ${JSON.stringify(section)}`, () => {
    const servers = { a: { ProviderType: "none", Url: "https://a.example" } };
    const file = { Name: "Orthanc", DicomWebOAuth: { Servers: servers, ...section } };
    assert.equal(editor.safeParse(file).success, good);
  });
}
