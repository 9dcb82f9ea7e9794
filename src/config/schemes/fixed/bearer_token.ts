/**
 * `ProviderType: "bearer"`: a token that another program obtained, fixed or in a file that it renews.
 */
import { z } from "zod";
import type { Secret } from "../../values/secret.ts";
import { filePath, secret, text } from "../../values/value_schemas.ts";
import { scheme } from "../scheme.ts";

interface StaticToken {
  readonly kind: "static_token";
  readonly token: Secret;
}

/** A bearer token in a file that another program renews. */
interface TokenFile {
  readonly kind: "token_file";
  /** Absolute path. */
  readonly file: string;
}

export const bearerToken = scheme({
  title: "A bearer token",
  description: "A bearer token of your own, fixed or from a file that another program renews.",
  keys: {
    ProviderType: z.literal("bearer").describe("Sends a bearer token of your own"),
    Token: secret(
      text().regex(/^[\x21-\x7e]+$/, "must be a token: no blanks, no control characters"),
    ).optional().describe(
      "The token; better `${NAME}` or `${file:PATH}` than the token itself. It is not renewed",
    ),
    TokenFile: filePath().optional().describe(
      "Path of a file that contains only the token. It is reread when it changes and when the store rejects the token",
    ),
  },
  rules: [
    ({ Token: token, TokenFile: file }, complain) => {
      if (token === undefined && file === undefined) {
        complain("Token", "A bearer token needs Token or TokenFile");
      } else if (token !== undefined && file !== undefined) {
        complain("TokenFile", "conflicts with Token; remove one");
      }
    },
  ],
  credentials: ({ Token: token, TokenFile: file }): StaticToken | TokenFile =>
    token === undefined
      ? { kind: "token_file", file: file ?? "" }
      : { kind: "static_token", token },
  reach: (credentials) => credentials.kind === "token_file" ? { files: [credentials.file] } : {},
});
