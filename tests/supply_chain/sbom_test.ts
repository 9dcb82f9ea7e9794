import assert from "node:assert/strict";
import { Ajv } from "ajv";
import library from "@cyclonedx/cyclonedx-library/package.json" with { type: "json" };
import { billOfMaterials, type Bom } from "../../deploy/supply_chain/sbom.ts";
import {
  lockedPackages,
  packageFiles,
  packageManifests,
} from "../../deploy/supply_chain/locked_packages.ts";
import { runProgram } from "../fixtures/run_program.ts";

const ROOT = new URL("../../", import.meta.url);
const SCHEMAS = ["bom-1.6", "spdx", "jsf-0.82"];

/** Permitted licences. */
const ALLOWED = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT"];
/** Further licences of test packages, which are not distributed. */
const ALLOWED_IN_TESTS = ["MPL-2.0", "VOL"];

const readPackage = await packageFiles(ROOT);

async function schema(name: string) {
  const text = await readPackage(library, `res/schema/${name}.SNAPSHOT.schema.json`);
  assert(text !== undefined, `the library has no schema ${name}`);
  return JSON.parse(text);
}

async function complaints(bom: unknown): Promise<string> {
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const [main, ...others] = await Promise.all(SCHEMAS.map(schema));
  // The main schema refers to the others by file name.
  for (const [index, other] of others.entries()) {
    const $id = `http://cyclonedx.org/schema/${SCHEMAS[index + 1]}.SNAPSHOT.schema.json`;
    ajv.addSchema({ ...other, $id });
  }
  ajv.validate(main, bom);
  return ajv.errorsText(ajv.errors);
}

Deno.test("SBOM: it conforms to CycloneDX's own schema of version 1.6", async () => {
  const bom = await billOfMaterials(ROOT);
  assert.equal(await complaints(bom), "No errors");
  const wrong = { ...bom, components: [{ ...bom.components[0], type: "thing" }] };
  assert.match(await complaints(wrong), /components\/0\/type/);
});

Deno.test("SBOM: it lists every package of the lock file with the lock file's integrity", async () => {
  const { components } = await billOfMaterials(ROOT);
  const lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT)));
  const byPurl = new Map(components.map((component) => [component.purl, component]));
  const expected = new Set<string>();
  for (const [key, entry] of Object.entries<{ integrity: string }>(lock.npm)) {
    const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key)!;
    const purl = `pkg:npm/${name!.replace("@", "%40")}@${version}`;
    expected.add(purl);
    const { hashes } = byPurl.get(purl)!;
    assert.deepEqual(hashes, [{
      alg: "SHA-512",
      content: Uint8Array.fromBase64(entry.integrity.replace("sha512-", "")).toHex(),
    }], key);
  }
  const listed = components.map(({ purl }) => purl).filter((purl) => purl.startsWith("pkg:npm/"));
  assert.deepEqual(listed.toSorted(), [...expected].toSorted());
});

Deno.test("SBOM: test packages are marked, and no runtime package depends on them", async () => {
  const { components, dependencies, metadata } = await billOfMaterials(ROOT);
  const scopes = new Map(components.map((component) => [component["bom-ref"], component.scope]));
  const scopeOf = (name: string) => components.find((component) => component.name === name)?.scope;
  for (const name of ["deno", "hono", "jose", "zod", "client"]) {
    assert.equal(scopeOf(name), "required", name);
  }
  for (const name of ["oidc-provider", "fast-check", "playwright-core", "axe-core", "msal-node"]) {
    assert.equal(scopeOf(name), "excluded", name);
  }
  for (const { ref, dependsOn } of dependencies) {
    assert(scopes.has(ref) || ref === metadata.component["bom-ref"], ref);
    for (const wanted of dependsOn) {
      assert(scopes.has(wanted), wanted);
      if (scopes.get(ref) === "required") assert.equal(scopes.get(wanted), "required", wanted);
    }
  }
});

Deno.test("SBOM: the same lock file produces the same bytes", async () => {
  const [one, other] = [await billOfMaterials(ROOT), await billOfMaterials(ROOT)];
  assert.equal(JSON.stringify(one), JSON.stringify(other));
  assert.match(
    one.serialNumber,
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-/,
  );
});

Deno.test("SBOM: deno task sbom writes it", async () => {
  const { code, stdout, stderr } = await runProgram(Deno.execPath(), ["task", "--quiet", "sbom"], {
    cwd: ROOT,
  });
  assert.equal(code, 0, stderr);
  const bom: Bom = JSON.parse(stdout);
  assert.equal(bom.specVersion, "1.6");
});

Deno.test("Licences: every dependency has a permitted one", async () => {
  const manifestOf = await packageManifests(ROOT);
  for (const locked of await lockedPackages(ROOT)) {
    const { license } = await manifestOf(locked) ?? {};
    const allowed = locked.isRuntime ? ALLOWED : [...ALLOWED, ...ALLOWED_IN_TESTS];
    assert(allowed.includes(String(license)), `${locked.key} has the licence ${license}`);
  }
});
