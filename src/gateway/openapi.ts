/**
 * The OpenAPI document (3.1) of the gateway's HTTP interface.
 *
 * @module
 */
import { z } from "zod";
import { answerSchemas } from "./answer_schemas.ts";

/** Where the document is served. */
export const OPENAPI_PATH = "/dicomweb-oauth/openapi.json";

type SchemaName = keyof typeof answerSchemas;

const PROBLEM = answer("What went wrong", "application/problem+json", "Problem");
const SERVER_NAME = {
  name: "name",
  in: "path",
  required: true,
  schema: { type: "string" },
  description: "Name of a configured server",
};
const SERVER = { ...SERVER_NAME, name: "server" };
const PATH = {
  name: "path",
  in: "path",
  required: true,
  schema: { type: "string" },
  description: "The rest of the store's path, slashes included: `studies`, `studies/1.2/series`, …",
};
/** Clients that show nothing are let in only where the gateway asks nobody. */
const SECURITY = [{ basic: [] }, { bearer: [] }, { key: [] }, {}];
const METHODS = ["get", "head", "post", "put", "patch", "delete", "options"] as const;

/**
 * Makes the document.
 *
 * @param version Version of the gateway.
 * @returns The document, as plain data.
 */
export function openApiDocument(version: string): Record<string, unknown> {
  const schemas = Object.fromEntries(
    Object.entries(answerSchemas).map(([name, schema]) => {
      const { $schema: _, ...shape } = z.toJSONSchema(schema);
      return [name, shape];
    }),
  );
  return {
    openapi: "3.1.0",
    info: {
      title: "DICOMweb OAuth Gateway",
      version,
      summary: "Adds OAuth2 and other credentials to DICOMweb requests on their way to a store.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: SECURITY,
    paths: {
      "/": {
        get: operation("The status page", { 200: answer("The page", "text/html") }),
        post: operation("Carry out a form of the status page: test a connection, drop a token", {
          303: { description: "Done, or not: back to the page, which says so" },
        }, {
          requestBody: {
            required: true,
            content: { "application/x-www-form-urlencoded": { schema: { type: "object" } } },
          },
        }),
      },
      "/dicomweb-oauth/status": {
        get: operation("That the gateway runs", { 200: json("Its state", "Status") }),
      },
      "/dicomweb-oauth/servers": {
        get: operation("The servers, their tokens and how their last requests ended", {
          200: json("The servers; never a token", "Servers"),
        }),
      },
      "/dicomweb-oauth/servers/{name}/test": {
        parameters: [SERVER_NAME],
        post: operation("Fetch a new token", { 200: json("There is one", "Test") }),
      },
      "/dicomweb-oauth/servers/{name}/token": {
        parameters: [SERVER_NAME],
        delete: operation("Drop the token, for all who share the cache", {
          200: json("It was dropped", "Revocation"),
        }),
      },
      "/dicomweb-oauth/metrics": {
        get: operation("Metrics", { 200: answer("Prometheus text format", "text/plain") }),
      },
      [OPENAPI_PATH]: {
        get: operation("This document", { 200: answer("OpenAPI 3.1", "application/json") }),
      },
      "/healthz": {
        get: operation("Whether the process answers", { 200: json("It does", "Health") }, OPEN),
      },
      "/readyz": {
        get: operation("Whether the token cache can be reached", {
          200: json("It can", "Readiness"),
        }, OPEN),
      },
      "/.well-known/jwks.json": {
        get: operation("The public keys of assertions (RFC 7517)", {
          200: json("The keys", "Keys"),
        }, OPEN),
      },
      "/dicom-web/{server}/{path}": dicomweb("The store's DICOMweb service (PS3.18)"),
      "/oauth-dicom-web/servers/{server}/{path}": dicomweb(
        "The same under the plugin's path; `stow` there is `studies`",
      ),
    },
    components: {
      schemas,
      securitySchemes: {
        basic: { type: "http", scheme: "basic" },
        bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        key: {
          type: "apiKey",
          in: "header",
          name: "X-API-Key",
          description: "The header that Authentication.ApiKeys.Header names",
        },
      },
    },
  };
}

/** Pages that ask nobody who they are. */
const OPEN = { security: [] };

function operation(
  summary: string,
  responses: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return { summary, ...more, responses: { ...responses, default: PROBLEM } };
}

function dicomweb(summary: string): Record<string, unknown> {
  const answered = {
    "2XX": { description: "The store's own answer, as it is but for what its profile puts right" },
    "4XX": { description: "The store's own answer, or a problem of the gateway's" },
    "5XX": { description: "The store's own answer, or a problem of the gateway's" },
  };
  return {
    parameters: [SERVER, PATH],
    ...Object.fromEntries(METHODS.map((method) => [method, operation(summary, answered)])),
  };
}

function json(description: string, schema: SchemaName): Record<string, unknown> {
  return answer(description, "application/json", schema);
}

function answer(
  description: string,
  mediaType: string,
  schema?: SchemaName,
): Record<string, unknown> {
  const shape = schema === undefined ? {} : { $ref: `#/components/schemas/${schema}` };
  return { description, content: { [mediaType]: { schema: shape } } };
}
