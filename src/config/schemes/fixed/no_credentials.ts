/**
 * `ProviderType: "none"`: a store without authentication, such as one on the same machine.
 */
import { z } from "zod";
import { scheme } from "../scheme.ts";

export const noCredentials = scheme({
  title: "No credentials",
  description: "No credential is added to the requests.",
  keys: { ProviderType: z.literal("none").describe("Adds no credential") },
  credentials: () => ({ kind: "none" as const }),
});
