/**
 * What PingOne refuses, and what to do about it.
 *
 * @module
 */
import { type Advice, adviceOf } from "../advice.ts";

/** Source: developer.pingidentity.com/pingone-api, "Token (client_credentials)", "Private key JWT". */
export const pingOneAdvice: readonly Advice[] = adviceOf("pingone", [
  {
    error: "invalid_client",
    text: /unsupported authentication method/i,
    steps: [
      "PingOne: compare Token Endpoint Authentication Method of the application with " +
      "ClientAuthentication: it takes that one only, and NONE takes none",
    ],
  },
  {
    error: "invalid_client",
    steps: [
      "PingOne: copy ClientId and ClientSecret anew from the application, check that it is enabled " +
      "and of the environment in the URL",
      "PingOne: an assertion is good for an hour at most and must not lie in the future: compare " +
      "the clocks",
    ],
  },
  {
    error: "invalid_scope",
    steps: [
      "PingOne: make a custom resource with the scope, and assign that scope to the application; a " +
      "request may ask for scopes of one custom resource only",
    ],
  },
  {
    error: "unauthorized_client",
    steps: ["PingOne: switch on the Client Credentials grant of the application"],
  },
]);
