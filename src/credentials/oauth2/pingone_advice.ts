/**
 * What PingOne refuses, and what to do about it.
 */
import { type Advice, rowsOf } from "../advice.ts";

const row = rowsOf("pingone", "PingOne");

/** Source: developer.pingidentity.com/pingone-api, "Token (client_credentials)", "Private key JWT". */
export const pingOneAdvice: readonly Advice[] = [
  row(
    { error: "invalid_client", text: /unsupported authentication method/i },
    "compare Token Endpoint Authentication Method of the application with ClientAuthentication: " +
      "it takes that one only, and NONE takes none",
  ),
  row(
    { error: "invalid_client" },
    "copy ClientId and ClientSecret anew from the application, check that it is enabled and of " +
      "the environment in the URL",
    "an assertion is good for an hour at most and must not lie in the future: compare the clocks",
  ),
  row(
    { error: "invalid_scope" },
    "make a custom resource with the scope, and assign that scope to the application; a request " +
      "may ask for scopes of one custom resource only",
  ),
  row(
    { error: "unauthorized_client" },
    "switch on the Client Credentials grant of the application",
  ),
];
