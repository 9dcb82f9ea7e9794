/**
 * A histogram of durations for the path of every request: prom-client's own checks, sorts and joins
 * the labels for each observation, this one once per set of labels.
 */
import type { MetricValueWithName, Registry } from "prom-client";

/** The form in which a registry writes a histogram and adds up those of several workers. */
export interface HistogramReport {
  readonly name: string;
  readonly help: string;
  readonly type: "histogram";
  readonly values: MetricValueWithName<string>[];
  readonly aggregator: "sum";
}

/** The durations of one set of labels. */
class Durations {
  readonly #bounds: readonly number[];
  /** By bucket; not cumulative. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(seconds: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && seconds > bounds[bucket]!) bucket++;
    if (bucket < bounds.length) this.counts[bucket]!++;
    this.sum += seconds;
    this.count++;
  }
}

export class DurationHistogram<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly type = "histogram";
  readonly labelNames: readonly Label[];
  /** Of the buckets, in seconds, ascending. */
  readonly upperBounds: readonly number[];
  readonly #children = new Map<string, { values: readonly string[]; durations: Durations }>();

  constructor({ name, help, labelNames, buckets, registry }: {
    readonly name: string;
    readonly help: string;
    readonly labelNames: readonly Label[];
    readonly buckets: readonly number[];
    readonly registry: Registry;
  }) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.upperBounds = buckets;
    // The registry uses only `name` and `get`.
    registry.registerMetric(this as unknown as Parameters<Registry["registerMetric"]>[0]);
  }

  /**
   * The durations of a set of labels; callers keep it for frequent observations.
   *
   * @param values In the order of the label names, from bounded sets.
   */
  labels(...values: readonly string[]): Durations {
    const key = values.join("\n");
    let child = this.#children.get(key);
    if (child === undefined) {
      child = { values, durations: new Durations(this.upperBounds) };
      this.#children.set(key, child);
    }
    return child.durations;
  }

  get(): Promise<HistogramReport> {
    const { name, help, type, labelNames } = this;
    const reported: MetricValueWithName<string>[] = [];
    for (const { values, durations } of this.#children.values()) {
      const labels = Object.fromEntries(labelNames.map((label, i) => [label, values[i] ?? ""]));
      const { counts, sum, count } = durations;
      let below = 0;
      for (const [i, le] of this.upperBounds.entries()) {
        below += counts[i]!;
        reported.push({ metricName: `${name}_bucket`, labels: { le, ...labels }, value: below });
      }
      reported.push(
        { metricName: `${name}_bucket`, labels: { le: "+Inf", ...labels }, value: count },
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      );
    }
    return Promise.resolve({ name, help, type, values: reported, aggregator: "sum" });
  }
}
