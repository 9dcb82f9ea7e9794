/**
 * The alert rules pass their tests, and a running gateway has every metric and label that a rule or
 * a panel names.
 */
import assert from "node:assert/strict";
import { describedMetrics } from "../docs/metrics_reference.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, type Tool } from "../fixtures/installed_tool.ts";
import { runProgram } from "../fixtures/run_program.ts";
import { serveLoopback } from "../fixtures/listening.ts";

const PROMTOOL: Tool = { name: "promtool", path: "/usr/bin/promtool" };
const RULES = new URL("../../deploy/prometheus/", import.meta.url);
const DASHBOARD = new URL("../../deploy/grafana/dashboard.json", import.meta.url);
const DOCS = new URL("../../", import.meta.url);

async function promtool(args: readonly string[], input = ""): Promise<string> {
  const { success, output } = await runProgram(PROMTOOL.path, args, { cwd: RULES, stdin: input });
  assert(success, output);
  return output;
}

const rules = await Deno.readTextFile(new URL("alerts.yml", RULES));
const dashboard = await Deno.readTextFile(DASHBOARD);

Deno.test(needing(PROMTOOL, {
  name: "monitoring: the alert rules are valid, and pass their tests",
  async fn() {
    await promtool(["check", "rules", "alerts.yml"]);
    await promtool(["test", "rules", "alerts_test.yml"]);
    const tested = await Deno.readTextFile(new URL("alerts_test.yml", RULES));
    for (const [, alert] of rules.matchAll(/- alert: (\w+)/g)) {
      assert(tested.includes(`alertname: ${alert}`), `${alert} has no test`);
    }
  },
}));

Deno.test("monitoring: every alert has a runbook", async () => {
  for (const [, page = "", heading = ""] of rules.matchAll(/runbook: ([^#\s]+)#(\S+)/g)) {
    const text = await Deno.readTextFile(new URL(page, DOCS));
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      title!.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-")
    );
    assert(headings.includes(heading), `${page}#${heading}`);
  }
});

Deno.test("monitoring: rules and panels name existing metrics and labels", async () => {
  const known = new Map((await describedMetrics()).map((metric) => [metric.name, metric]));
  const expressions = [
    ...[...rules.matchAll(/expr: (.+)/g)].map(([, expression]) => expression!),
    // deno-lint-ignore no-explicit-any -- Grafana's own form
    ...JSON.parse(dashboard).panels.flatMap((panel: any) =>
      // deno-lint-ignore no-explicit-any -- the same
      panel.targets.map(({ expr }: any) => expr)
    ),
  ];
  let found = 0;
  for (const expression of expressions) {
    for (
      const [, name = "", , selector = ""] of expression.matchAll(
        /\b(dicomweb_oauth_\w+)(\{([^}]*)\})?/g,
      )
    ) {
      const metric = known.get(name) ?? known.get(name.replace(/_(?:bucket|count|sum)$/, ""));
      assert(metric !== undefined, `${name} in ${expression}`);
      for (const [, label = ""] of selector.matchAll(/(\w+)\s*[=!]~?"/g)) {
        assert([...metric.labelNames, "le"].includes(label), `${label} of ${name}`);
      }
      found++;
    }
  }
  assert(found > 40, `only ${found} metrics were found`);
});

Deno.test(needing(PROMTOOL, {
  name: "monitoring: a running gateway exposes the documented metrics, and promtool finds no fault",
  async fn() {
    const store = serveLoopback(() => Response.json([]));
    const directory = await Deno.makeTempDir();
    {
      await using gateway = await startGateway({
        Audit: { File: `${directory}/audit/audit.jsonl` },
        Servers: {
          main: { Url: `${store.url}/dicom-web`, ProviderType: "none" },
        },
      });
      await (await fetch(`${gateway.url}/dicom-web/main/studies`)).bytes();
      await (await fetch(`${gateway.url}/dicom-web/other/studies`)).bytes();
      const text = await (await fetch(`${gateway.url}/dicomweb-oauth/metrics`)).text();
      const exposed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) =>
        `${name} ${type}`
      );
      const documented = (await describedMetrics()).map(({ name, type }) => `${name} ${type}`);
      assert.deepEqual(exposed.toSorted(), documented.toSorted());
      await promtool(["check", "metrics"], text);
    }
    await Deno.remove(directory, { recursive: true });
    await store.shutdown();
  },
}));

/** Their label values appear with clients' requests. */
const BORN_OF_REQUESTS = new Set(["dicomweb_oauth_http_requests_total"]);

interface CountedSeries {
  readonly name: string;
  /** One value for each label of the alert. */
  readonly labels: readonly string[];
}

/** The series in which alerts look for an increase, one for each alternative of a selector. */
function watchedSeries(): CountedSeries[] {
  const found: CountedSeries[] = [];
  for (
    const [, name = "", selector = ""] of rules.matchAll(
      /(?:increase|rate)\((dicomweb_oauth_\w+)(?:\{([^}]*)\})?\[/g,
    )
  ) {
    if (BORN_OF_REQUESTS.has(name)) continue;
    let sets: string[][] = [[]];
    for (const [, label, values = ""] of selector.matchAll(/(\w+)=~?"([^"]*)"/g)) {
      sets = values.split("|").flatMap((value) =>
        sets.map((set) => [...set, `${label}="${value}"`])
      );
    }
    for (const labels of sets) found.push({ name, labels });
  }
  return found;
}

Deno.test("monitoring: every counter in which an alert looks for an increase is zero from the start, for each server", async () => {
  const servers = ["one", "two"];
  await using gateway = await startGateway({
    Workers: 2,
    Servers: Object.fromEntries(servers.map((name) => [name, {
      Url: "http://127.0.0.1:9/dicom-web",
      TokenEndpoint: "http://127.0.0.1:9/token",
      ClientId: "gateway",
      ClientSecret: "secret",
    }])),
  });
  const exposed = (await (await fetch(`${gateway.url}/dicomweb-oauth/metrics`)).text()).split("\n");
  const metrics = new Map((await describedMetrics()).map((metric) => [metric.name, metric]));
  const series = watchedSeries();
  assert(series.length >= 10, `only ${series.length} series were found`);
  for (const { name, labels } of series) {
    const metric = metrics.get(name) ?? metrics.get(name.replace(/_count$/, ""));
    // An unauthenticated request is rejected before its server is known.
    const isOfServer = metric?.labelNames.includes("server") && !/AUTH-00[56]/.test(String(labels));
    for (const server of isOfServer ? servers.map((name) => `server="${name}"`) : [""]) {
      const wanted = [...labels, server];
      assert(
        exposed.some((line) =>
          new RegExp(`^${name}[ {]`).test(line) && line.endsWith(" 0") &&
          wanted.every((label) => line.includes(label))
        ),
        `${name} ${wanted} is not at zero`,
      );
    }
  }
});
