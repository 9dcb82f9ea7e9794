/**
 * Writes the reference of all metrics from the registries of a gateway.
 */
import { assembleGateway } from "../../src/runtime/assemble_gateway.ts";
import { createSupervisorMetrics } from "../../src/runtime/supervisor_metrics.ts";
import { createQuotaMemory } from "../../src/gateway/steps/quota_table.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { parseSection } from "../config/memory_files.ts";

const INTRODUCTION = `# Metrics

<!-- Made by \`deno task docs\` from the gateway's registries. Change their texts there. -->

\`GET /dicomweb-oauth/metrics\` returns them in the Prometheus text format, aggregated over all workers. The metric names of the plugin \`orthanc-dicomweb-oauth\` keep their meaning. Labels come from bounded sets:
\`server\` is a name in the configuration (or empty if a failure belongs to none), \`error_code\` and
\`category\` are those of [error-codes.md](error-codes.md), \`endpoint\` and \`route\` are patterns of paths, never
paths. Counters survive reloads and worker crashes; a crash loses what its worker counted since the last scrape.

\`deploy/prometheus/alerts.yml\` contains alert rules and \`deploy/grafana/dashboard.json\` a dashboard; import it and select your Prometheus data source. The rules expect the job name \`dicomweb-gateway\`:

\`\`\`yaml
scrape_configs:
  - job_name: dicomweb-gateway
    metrics_path: /dicomweb-oauth/metrics
    static_configs:
      - targets: ["127.0.0.1:8043"]
\`\`\`
`;

/** A metric in a registry. */
interface Described {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
  readonly buckets?: readonly number[];
}

/** All metrics of a gateway with type and labels, sorted by name. */
export async function describedMetrics(): Promise<Described[]> {
  const url = "https://store.example/dicom-web";
  const config = await parseSection({ Servers: { main: { Url: url, ProviderType: "none" } } });
  const metrics = createMetrics();
  // Some metrics are registered by their users.
  const gateway = assembleGateway(config, {
    metrics,
    metricsText: () => Promise.resolve(""),
    announceRevocation: () => {},
    states: () => Promise.reject(new Error("nobody looks at the status page")),
    formKey: "",
    version: "0",
    quotas: { failures: createQuotaMemory(), requests: createQuotaMemory() },
  });
  await gateway.close();
  const all = [
    ...metrics.registry.getMetricsAsArray(),
    ...createSupervisorMetrics().registry.getMetricsAsArray(),
  ].map(described);
  return all.toSorted((one, other) => one.name < other.name ? -1 : 1);
}

/** The library's own types hide the common fields. */
function described(metric: unknown): Described {
  const { name, help, labelNames = [], upperBounds, type, constructor } = metric as {
    readonly name: string;
    readonly help?: string;
    readonly labelNames?: readonly string[];
    readonly upperBounds?: readonly number[];
    readonly type?: string;
    readonly constructor: { readonly name: string };
  };
  return {
    name,
    help: help ?? "",
    type: type ?? constructor.name.toLowerCase(),
    labelNames,
    ...(upperBounds && { buckets: upperBounds }),
  };
}

export async function metricsReference(): Promise<string> {
  const metrics = await describedMetrics();
  return [
    INTRODUCTION,
    "| Metric | Type | Labels | Meaning |",
    "| --- | --- | --- | --- |",
    ...metrics.map(({ name, type, labelNames, help, buckets }) => {
      const labels = labelNames.map((label) => `\`${label}\``).join(", ");
      const bounds = buckets === undefined ? "" : `. Buckets: ${buckets.join(", ")}`;
      return `| \`${name}\` | ${type} | ${labels} | ${help}${bounds} |`;
    }),
    "",
  ].join("\n");
}
