/**
 * `ProviderType: "none"`: a store that wants no credential, such as one on the same machine.
 *
 * @module
 */
import { z } from "zod";
import { type SigningWay, signingWay } from "./signing_way.ts";

/** Nothing is added to the requests. */
export const noCredentials: SigningWay = signingWay({
  title: "No credentials",
  description: "No credential is added to the requests.",
  chosenBy: { ProviderType: ["none"] },
  keys: {
    ProviderType: z.literal("none").describe("Adds no credential"),
  },
  build: () => ({ kind: "none" }),
});
