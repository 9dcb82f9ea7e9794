/**
 * `ProviderType: "basic"`: a user name and a password in each request (RFC 7617).
 */
import { z } from "zod";
import { line, secret } from "../../values/value_schemas.ts";
import { scheme } from "../scheme.ts";

export const httpBasic = scheme({
  title: "Basic",
  description: "HTTP Basic: a user name and a password in each request.",
  keys: {
    ProviderType: z.literal("basic").describe("Sends a user name and a password (HTTP Basic)"),
    Username: line().regex(/^[^:]+$/, "must not contain a colon, which ends a user name (RFC 7617)")
      .describe("The user name"),
    Password: secret().describe(
      "The password; better `${NAME}` or `${file:PATH}` than the password itself",
    ),
  },
  credentials: ({ Username: username, Password: password }) => ({
    kind: "basic" as const,
    username,
    password,
  }),
});
