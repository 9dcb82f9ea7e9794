/**
 * The Kubernetes manifests as `kubectl kustomize` renders them conform to Kubernetes' own schemas
 * and to the mounted configuration. No cluster has applied them.
 */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parse as parseJsonc } from "jsonc-parser";
import { parseAllDocuments } from "yaml";
import { networkAllowlist } from "../../src/config/sandbox/contacts.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { loadFromMemory } from "../config/memory_files.ts";
import { KUBECTL, needing } from "../fixtures/installed_tool.ts";
import { CERTIFICATE_PEM, KEY_PEM } from "../fixtures/lasting_certificate.ts";
import { runProgram } from "../fixtures/run_program.ts";
import { PACKAGE_FLAGS } from "../../deploy/deno_flags.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MANIFESTS = `${ROOT}deploy/kubernetes`;
const PLACES = ["base", "overlays/redis", "overlays/denokv", "overlays/azure-workload-identity"];
const USERS = ["orthanc", "prometheus"];
const HASH = "$scrypt$ln=15,r=8,p=3$CpEh2u0aZskWFN4O+2Ku7Q$" +
  "aXZpjfwOUdeQlfY8AWfq964wz4sw1tydqia/oz4XALA";
const KEY = btoa("0123456789abcdef0123456789abcdef");
/** What Azure's webhook sets in pods with its label. */
const AZURE = {
  AZURE_CLIENT_ID: "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
  AZURE_TENANT_ID: "72f988bf-86f1-41af-91ab-2d7cd011db47",
  AZURE_FEDERATED_TOKEN_FILE: "/var/run/secrets/azure/tokens/azure-identity-token",
  AZURE_AUTHORITY_HOST: "https://login.microsoftonline.com/",
};

// deno-lint-ignore no-explicit-any -- what the schemas say of it is tested below
type Manifest = any;

async function render(place: string): Promise<Manifest[]> {
  const { success, stdout, stderr } = await runProgram(KUBECTL.path, [
    "kustomize",
    `${MANIFESTS}/${place}`,
  ]);
  assert(success, stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS());
}

const ofKind = (manifests: Manifest[], kind: string, name = "dicomweb-gateway"): Manifest => {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name.startsWith(name));
  return found ?? assert.fail(`no ${kind} ${name}`);
};

async function configOf(manifests: Manifest[]) {
  const text: string = ofKind(manifests, "ConfigMap").data["gateway.json"];
  const secrets = "/run/secrets/dicomweb-gateway";
  const files = {
    [`${secrets}/users`]: USERS.map((user) => `${user}:${HASH}`).join("\n"),
    [`${secrets}/client-secret`]: "s",
    [`${secrets}/redis-password`]: "p",
    [`${secrets}/encryption-key`]: KEY,
    "/run/secrets/tls/tls.crt": CERTIFICATE_PEM,
    "/run/secrets/tls/tls.key": KEY_PEM,
  };
  const env = { ...AZURE, DENO_KV_ACCESS_TOKEN: "token", XDG_STATE_HOME: "/var/lib" };
  return { text, config: await parseConfig(await loadFromMemory(text, { files, env })) };
}

for (const place of PLACES) {
  const kubernetes = (name: string, fn: (manifests: Manifest[]) => void | Promise<void>) =>
    Deno.test(needing(KUBECTL, {
      name: `Kubernetes ${place}: ${name}`,
      fn: async () => await fn(await render(place)),
    }));

  kubernetes("Kubernetes' schemas know every key, and allow every value", async (manifests) => {
    assert.equal(await complaints(manifests), "");
  });

  kubernetes(
    "the configuration is right, and the volumes hold all that it reads",
    async (manifests) => {
      const { text, config } = await configOf(manifests);
      assert.equal(config.listen.address, "0.0.0.0");
      const { containers, volumes } = podOf(ofKind(manifests, "Deployment"));
      const mounts: { name: string; mountPath: string }[] = containers[0].volumeMounts;
      assert.deepEqual(
        mounts.map(({ name }) => name),
        volumes.map((volume: Manifest) => volume.name),
      );
      for (const [path] of text.matchAll(/\/run\/secrets\/[\w-]+/g)) {
        assert(mounts.some(({ mountPath }) => mountPath === path), path);
      }
      // A subdirectory: the volume itself has a group, which the gateway rejects.
      assert(mounts.some(({ mountPath }) => mountPath === dirname(config.stateDirectory)));
      assert(mounts.some(({ mountPath }) => mountPath === "/etc/dicomweb-gateway"));
    },
  );

  kubernetes("pods have no rights, no writable root and no floating image", (manifests) => {
    for (const deployment of manifests.filter(({ kind }) => kind === "Deployment")) {
      const { securityContext, automountServiceAccountToken, containers } = podOf(deployment);
      assert.equal(automountServiceAccountToken, false);
      assert.equal(securityContext.runAsNonRoot, true);
      assert.equal(securityContext.runAsUser, 65532);
      assert.equal(securityContext.seccompProfile.type, "RuntimeDefault");
      for (const container of containers) {
        assert.match(container.image, /:\d+\.\d+\.\d+(-alpine)?$/);
        assert.equal(container.securityContext.readOnlyRootFilesystem, true);
        assert.equal(container.securityContext.allowPrivilegeEscalation, false);
        assert.deepEqual(container.securityContext.capabilities, { drop: ["ALL"] });
        assert(container.resources.requests.cpu && container.resources.limits.memory);
      }
    }
  });

  kubernetes("a pod that ends has time to drain", async (manifests) => {
    const { terminationGracePeriodSeconds, containers } = podOf(ofKind(manifests, "Deployment"));
    const { config } = await configOf(manifests);
    const needed = containers[0].lifecycle.preStop.sleep.seconds + config.drainTimeoutMs / 1000;
    assert(terminationGracePeriodSeconds >= needed + 5);
  });

  kubernetes(
    "its NetworkPolicy lets out to the ports of the network allowlist and no others",
    async (manifests) => {
      const { config } = await configOf(manifests);
      const allowed = networkAllowlist(config).map((host) => Number(host.split(":").at(-1)));
      const policies = manifests.filter(({ kind, spec }) =>
        kind === "NetworkPolicy" && spec.policyTypes.includes("Egress") &&
        spec.podSelector.matchLabels["app.kubernetes.io/name"] === "dicomweb-gateway"
      );
      const opened = policies.flatMap(({ spec }) => spec.egress).flatMap(({ ports }) => ports)
        .map(({ port }) => port).filter((port) => port !== 53);
      assert.deepEqual([...new Set(opened)].sort(), [...new Set(allowed)].sort());
    },
  );

  kubernetes("every selector finds the pods or the service that it means", (manifests) => {
    const labels = manifests.filter(({ kind }) => kind === "Deployment")
      .map(({ spec }) => spec.template.metadata.labels);
    const finds = (selector: Record<string, string>) =>
      labels.some((one) => Object.entries(selector).every(([key, value]) => one[key] === value));
    for (const { kind, metadata, spec } of manifests) {
      const what = `${kind} ${metadata.name}`;
      if (kind === "Service") assert(finds(spec.selector), what);
      if (kind === "Deployment" || kind === "PodDisruptionBudget") {
        assert(finds(spec.selector.matchLabels), what);
      }
      if (kind === "NetworkPolicy") assert(finds(spec.podSelector.matchLabels), what);
      if (kind === "HorizontalPodAutoscaler") {
        assert.equal(spec.scaleTargetRef.name, ofKind(manifests, "Deployment").metadata.name);
      }
      if (kind === "ServiceMonitor") {
        const service = ofKind(manifests, "Service");
        const { matchLabels } = spec.selector;
        assert.deepEqual({ ...service.metadata.labels, ...matchLabels }, service.metadata.labels);
        assert.equal(spec.endpoints[0].port, service.spec.ports[0].name);
      }
    }
  });
}

Deno.test(needing(KUBECTL, {
  name: "The validation of manifests notices a misspelt key and a wrong value",
  async fn() {
    const manifests = await render("base");
    ofKind(manifests, "Deployment").spec.template.spec.terminationGracePeriod = 5;
    ofKind(manifests, "HorizontalPodAutoscaler").spec.minReplicas = "two";
    const found = await complaints(manifests);
    assert.match(found, /terminationGracePeriod/);
    assert.match(found, /minReplicas|is not assignable to type 'number'/);
  },
}));

Deno.test("Kubernetes overlays with a cache have the configuration of the base, and TokenCache", async () => {
  const section = async (place: string) =>
    parseJsonc(await Deno.readTextFile(`${MANIFESTS}/${place}/gateway.json`)).DicomWebOAuth;
  const base = await section("base");
  for (const overlay of ["redis", "denokv"]) {
    const { TokenCache, ...rest } = await section(`overlays/${overlay}`);
    assert(TokenCache.EncryptionKey);
    assert.deepEqual(rest, base);
  }
  const { Servers: _, ...azure } = await section("overlays/azure-workload-identity");
  const { Servers: __, ...same } = base;
  assert.deepEqual(azure, same);
});

function podOf({ spec }: Manifest): Manifest {
  return spec.template.spec;
}

/** The complaints of Kubernetes' types (unknown keys) and validators (values). */
async function complaints(manifests: Manifest[]): Promise<string> {
  const kinds = new Map(
    manifests.map(({ apiVersion, kind }) => {
      const library = apiVersion.startsWith("monitoring.coreos.com")
        ? "@kubernetes-models/prometheus-operator"
        : "kubernetes-models";
      const group = apiVersion.includes(".") || apiVersion.includes("/") ? apiVersion : "v1";
      return [kind, `import { ${kind} } from "${library}/${group}/${kind}";`];
    }),
  );
  const lines = [
    ...kinds.values(),
    ...manifests.map(({ apiVersion: _, kind, ...rest }) =>
      `new ${kind}(${JSON.stringify(rest, null, 1)}).validate();`
    ),
  ];
  const directory = await Deno.makeTempDir();
  const file = `${directory}/manifests.ts`;
  await Deno.writeTextFile(file, lines.join("\n"));
  const { success, stderr } = await runProgram(Deno.execPath(), [
    ...["run", "--quiet", "--frozen", ...PACKAGE_FLAGS, "--check"],
    ...["--config", `${ROOT}deno.json`, file],
  ]);
  await Deno.remove(directory, { recursive: true });
  return success ? "" : stderr || "failed";
}
