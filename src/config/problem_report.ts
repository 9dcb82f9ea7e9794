/**
 * Collects what is wrong with a configuration while it is read, so that one run tells everything.
 * Where two rules complain of the same key, the first is the cause and the second its consequence.
 *
 * @module
 */
import { type ConfigCode, type ConfigProblem, type KeyPath, keyPath } from "./config_error.ts";

/** A growing list of problems and warnings. */
export class ProblemReport {
  readonly #problems = new Map<string, ConfigProblem>();
  readonly #warnings: string[] = [];

  /** @param problems What was found before. */
  constructor(problems: readonly ConfigProblem[] = []) {
    for (const problem of problems) this.#keep(problem);
  }

  /**
   * Notes a problem, unless one is known for the same key.
   *
   * @param code CFG-001 for what is missing, CFG-002 for what is wrong, CFG-003 for a variable.
   * @param path The key.
   * @param message What is wrong and what would be right, without values of the configuration.
   */
  add(code: ConfigCode, path: KeyPath, message: string): void {
    this.#keep({ code, path: keyPath(path), message });
  }

  /**
   * Notes what is allowed but dangerous.
   *
   * @param path The key.
   * @param message What may happen, without values of the configuration.
   */
  warn(path: KeyPath, message: string): void {
    this.#warnings.push(`${keyPath(path)}: ${message}`);
  }

  /** Everything that is wrong, in the order it was found. */
  get problems(): readonly ConfigProblem[] {
    return [...this.#problems.values()];
  }

  /** Everything that is allowed but dangerous. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  #keep(problem: ConfigProblem): void {
    if (!this.#problems.has(problem.path)) this.#problems.set(problem.path, problem);
  }
}
