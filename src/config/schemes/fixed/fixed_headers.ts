/**
 * `ProviderType: "headers"`: fixed headers, such as the key of an API gateway.
 */
import { z } from "zod";
import { headerValues, lowerCaseNames } from "../../values/header_values.ts";
import { scheme } from "../scheme.ts";

export const fixedHeaders = scheme({
  title: "Fixed headers",
  description: "Headers added to each request unchanged.",
  keys: {
    ProviderType: z.literal("headers").describe("Adds headers of your own"),
    Headers: headerValues().describe(
      "The headers by name, like Orthanc's `HttpHeaders`; values better `${NAME}` or `${file:PATH}` " +
        "than the secret itself",
    ),
  },
  credentials: ({ Headers: headers }) => ({
    kind: "headers" as const,
    headers: lowerCaseNames(headers),
  }),
});
