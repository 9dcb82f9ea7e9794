/**
 * Writes the bill of materials: all packages of `deno.lock` as CycloneDX 1.6 (ECMA-424). The same
 * lock file produces the same bytes. `deno task sbom` writes to standard output, `deno task sbom
 * FILE` to a file.
 */
import manifest from "../../deno.json" with { type: "json" };
import { type LockedPackage, lockedPackages, packageManifests } from "./locked_packages.ts";

/** The version of Deno that the project is pinned to. */
const DENO = "2.7.14";
/** Licences with an SPDX identifier; others keep their own name. */
const SPDX: ReadonlySet<unknown> = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MPL-2.0",
]);

export interface Component {
  readonly type: string;
  readonly "bom-ref": string;
  readonly name: string;
  readonly group?: string;
  readonly version: string;
  readonly scope?: "required" | "excluded";
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly {
    readonly license: { readonly id?: string; readonly name?: string };
  }[];
  readonly purl: string;
}

export interface Bom {
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.6";
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/**
 * Creates the bill of materials.
 *
 * @param root Directory of `deno.json` and `deno.lock`, with a slash at the end.
 */
export async function billOfMaterials(root: URL): Promise<Bom> {
  const packages = await lockedPackages(root);
  const manifestOf = await packageManifests(root);
  // One version may occur several times, resolved with other peers.
  const components = new Map<string, Component>();
  const dependencies = new Map<string, Set<string>>();
  const refs = new Map(packages.map((locked) => [locked.key, purl(locked)]));
  for (const locked of packages) {
    const ref = purl(locked);
    const { license } = await manifestOf(locked) ?? {};
    const isRequired = locked.isRuntime || components.get(ref)?.scope === "required";
    components.set(ref, component(locked, license, isRequired));
    const wanted = dependencies.get(ref) ?? new Set();
    for (const key of locked.dependencies) wanted.add(refs.get(key)!);
    dependencies.set(ref, wanted);
  }
  const deno: Component = {
    type: "platform",
    "bom-ref": `pkg:github/denoland/deno@v${DENO}`,
    name: "deno",
    version: DENO,
    scope: "required",
    licenses: [{ license: { id: "MIT" } }],
    purl: `pkg:github/denoland/deno@v${DENO}`,
  };
  const { name, version, license } = manifest;
  const own: Component = {
    type: "application",
    "bom-ref": "dicomweb-gateway",
    name,
    version,
    licenses: [{ license: { id: license } }],
    purl: `pkg:generic/dicomweb-gateway@${version}`,
  };
  const all = [deno, ...components.values()];
  const direct = packages.filter(({ name }) => Object.hasOwn(manifest.imports, name)).map(purl);
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${await uuidOf(JSON.stringify([own, all]))}`,
    version: 1,
    metadata: { component: own },
    components: all,
    dependencies: [
      { ref: own["bom-ref"], dependsOn: [...new Set([deno["bom-ref"], ...direct])] },
      ...[...dependencies].map(([ref, wanted]) => ({ ref, dependsOn: [...wanted] })),
    ],
  };
}

function component(locked: LockedPackage, license: unknown, isRequired: boolean): Component {
  const [, group, name] = /^(?:(@[^/]+)\/)?(.+)$/.exec(locked.name)!;
  return {
    type: "library",
    "bom-ref": purl(locked),
    ...(group !== undefined && { group }),
    name: name!,
    version: locked.version,
    scope: isRequired ? "required" : "excluded",
    hashes: [integrityHash(locked)],
    ...(typeof license === "string" && {
      licenses: [{ license: SPDX.has(license) ? { id: license } : { name: license } }],
    }),
    purl: purl(locked),
  };
}

/** The package URL; the `@` of a scope is encoded. */
function purl({ name, version }: LockedPackage): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function integrityHash({ key, integrity }: LockedPackage): { alg: string; content: string } {
  const [, bits, base64] = /^sha(256|384|512)-(.+)$/.exec(integrity) ?? [];
  if (base64 === undefined) throw new Error(`${key} has no integrity that is known`);
  return { alg: `SHA-${bits}`, content: Uint8Array.fromBase64(base64).toHex() };
}

/** A UUID of version 8 (RFC 9562) from the digest of a text. */
async function uuidOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const bytes = new Uint8Array(digest).slice(0, 16);
  bytes[6] = 0x80 | bytes[6]! & 0x0f;
  bytes[8] = 0x80 | bytes[8]! & 0x3f;
  return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

if (import.meta.main) {
  const bom = await billOfMaterials(new URL("../../", import.meta.url));
  const text = `${JSON.stringify(bom, null, 2)}\n`;
  const [file] = Deno.args;
  if (file === undefined) await new Blob([text]).stream().pipeTo(Deno.stdout.writable);
  else await Deno.writeTextFile(file, text);
}
