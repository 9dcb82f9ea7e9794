/**
 * `ProviderType: "basic"`: a user name and a password in each request (RFC 7617).
 *
 * @module
 */
import { z } from "zod";
import { Secret } from "../secret.ts";
import { text } from "../value_schemas.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";

const PRINTABLE = /^\P{Cc}+$/u;

/** HTTP Basic. */
export const basic: SigningWay = signingWay({
  title: "Basic",
  description: "HTTP Basic: a user name and a password in each request.",
  chosenBy: { ProviderType: ["basic"] },
  keys: {
    ProviderType: z.literal("basic").describe("Sends a user name and a password (HTTP Basic)"),
    Username: text().regex(/^[^:]+$/, "must not hold a colon, which ends a user name (RFC 7617)")
      .regex(PRINTABLE, "must not hold control characters").describe("The user name"),
    Password: text().regex(PRINTABLE, "must not hold control characters").describe(
      "The password; better `${NAME}` or `${file:PATH}` than the password itself",
    ),
  },
  build: ({ Username: username, Password: password }) => ({
    kind: "basic",
    username,
    password: new Secret(password),
  }),
});
