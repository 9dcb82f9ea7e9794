/**
 * `ProviderType: "bearer"`: a token that somebody else got, either as it is or in a file that another
 * program renews.
 *
 * @module
 */
import { resolve } from "node:path";
import { z } from "zod";
import { Secret } from "../secret.ts";
import { text } from "../value_schemas.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";

/** A bearer token that the gateway does not fetch itself. */
export const bearerToken: SigningWay = signingWay({
  title: "A bearer token",
  description: "A bearer token of your own, fixed or from a file that another program renews.",
  chosenBy: { ProviderType: ["bearer"] },
  keys: {
    ProviderType: z.literal("bearer").describe("Sends a bearer token of your own"),
    Token: text().regex(/^[\x21-\x7e]+$/, "must be a token: no blanks, no control characters")
      .optional().describe(
        "The token; better `${NAME}` or `${file:PATH}` than the token itself. It is not renewed",
      ),
    TokenFile: text().optional().describe(
      "Path of a file that holds the token alone. It is read again when it changes and when the " +
        "store refuses the token",
    ),
  },
  check({ Token: token, TokenFile: file }, { path, report }) {
    if (token === undefined && file === undefined) {
      report.add("CFG-001", [...path, "Token"], "A bearer token needs Token or TokenFile");
    } else if (token !== undefined && file !== undefined) {
      report.add("CFG-002", [...path, "TokenFile"], "must not stand beside Token; remove one");
    }
  },
  build: ({ Token: token, TokenFile: file }, { directory }) =>
    token !== undefined
      ? { kind: "static_token", token: new Secret(token) }
      : { kind: "token_file", file: resolve(directory, file ?? "") },
});
