/**
 * A histogram of durations for the path of every request. What prom-client's own does for each
 * observation (checking, sorting and joining the labels) it does once for each set of labels.
 *
 * @module
 */
import type { MetricValueWithName, Registry } from "prom-client";

/** How a histogram is made. */
export interface DurationHistogramOptions<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  /** Upper bounds of the buckets in seconds, ascending. */
  readonly buckets: readonly number[];
  /** Where it is told. */
  readonly registry: Registry;
}

/** A histogram as a registry writes it and adds it to those of other workers. */
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
  /** How many fell into each bucket and into none of the lower ones. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  /** @param bounds Upper bounds of the buckets in seconds, ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  /** @param seconds A duration. */
  observe(seconds: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && seconds > bounds[bucket]!) bucket++;
    if (bucket < bounds.length) this.counts[bucket]!++;
    this.sum += seconds;
    this.count++;
  }
}

/** Durations by labels, as the Prometheus text format tells them. */
export class DurationHistogram<Label extends string> {
  /** Its name, by which the registry knows it. */
  readonly name: string;
  /** What it is, by which the registry writes it. */
  readonly type = "histogram";
  readonly #options: DurationHistogramOptions<Label>;
  readonly #children = new Map<string, { values: readonly string[]; durations: Durations }>();

  /** @param options How it is made. */
  constructor(options: DurationHistogramOptions<Label>) {
    this.#options = options;
    this.name = options.name;
    // The registry asks its metrics for no more than their name and `get`.
    options.registry.registerMetric(this as unknown as Parameters<Registry["registerMetric"]>[0]);
  }

  /**
   * The durations of a set of labels; whoever observes often keeps them.
   *
   * @param values The labels' values, in the order of their names. They come from bounded sets.
   */
  labels(...values: readonly string[]): Durations {
    const key = values.join("\n");
    let child = this.#children.get(key);
    if (child === undefined) {
      child = { values, durations: new Durations(this.#options.buckets) };
      this.#children.set(key, child);
    }
    return child.durations;
  }

  /** What it is, for its documentation. */
  get describe(): {
    readonly name: string;
    readonly help: string;
    readonly type: "histogram";
    readonly labelNames: readonly Label[];
    readonly buckets: readonly number[];
  } {
    const { name, help, labelNames, buckets } = this.#options;
    return { name, help, type: this.type, labelNames, buckets };
  }

  /** @returns Everything, as a registry wants it. */
  get(): Promise<HistogramReport> {
    const { name, help, buckets, labelNames } = this.#options;
    const told: MetricValueWithName<string>[] = [];
    for (const { values, durations } of this.#children.values()) {
      const labels = Object.fromEntries(labelNames.map((label, i) => [label, values[i] ?? ""]));
      let below = 0;
      for (const [i, le] of buckets.entries()) {
        below += durations.counts[i]!;
        told.push({ metricName: `${name}_bucket`, labels: { le, ...labels }, value: below });
      }
      const { sum, count } = durations;
      told.push({ metricName: `${name}_bucket`, labels: { le: "+Inf", ...labels }, value: count });
      told.push({ metricName: `${name}_sum`, labels, value: sum });
      told.push({ metricName: `${name}_count`, labels, value: count });
    }
    return Promise.resolve({ name, help, type: this.type, values: told, aggregator: "sum" });
  }

  /** Forgets everything, when the registry does. */
  reset(): void {
    this.#children.clear();
  }
}
