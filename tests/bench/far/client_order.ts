/**
 * What a client of the far benchmark is asked for and answers.
 */
import type { StudyPlan } from "./study.ts";

export type Work =
  | "store"
  | "storeChunked"
  | "storeSingly"
  | "storeInParallel"
  | "retrieve"
  | "retrieveInParallel"
  | "view"
  | "firstImage";

export interface ClientOrder {
  readonly work: Work;
  /** The base URL of the DICOMweb service. */
  readonly base: string;
  readonly plan: StudyPlan;
  /** Requests at once. */
  readonly connections: number;
}

/** The result of a step: a view has a second one. */
export interface StepResult {
  readonly seconds: number;
  readonly cpuSeconds: number;
}
