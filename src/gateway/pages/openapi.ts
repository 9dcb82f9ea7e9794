/**
 * The OpenAPI document (3.1) of the gateway's HTTP interface, derived from the table of pages.
 */
import { z } from "zod";
import { answerSchemas } from "./answer_schemas.ts";
import type { Page, PageOperation } from "../gateway_env.ts";

const PROBLEM = response("The error", "application/problem+json", answerSchemas.Problem);
const SERVER_NAME = {
  name: "name",
  in: "path",
  required: true,
  schema: { type: "string" },
  description: "Name of a configured server",
};
const SERVER = { ...SERVER_NAME, name: "server" };
const PATH = {
  ...SERVER_NAME,
  name: "path",
  description: "The rest of the store's path, slashes included: `studies`, `studies/1.2/series`, …",
};
const DOCUMENT = {
  ...SERVER_NAME,
  name: "document",
  description:
    "Path of a document, slashes included: `troubleshooting.md`, `providers/azure.md`, …",
};
/** The last: no credentials, if the gateway is configured without authentication. */
const SECURITY = [{ basic: [] }, { bearer: [] }, { key: [] }, {}];
const METHODS = ["get", "head", "post", "put", "patch", "delete", "options"] as const;

export function openApiDocument(
  version: string,
  pages: readonly Page[],
): Record<string, unknown> {
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
      ...Object.fromEntries(
        pages.map((page) => [page.path.replace(/:(\w+)/, "{$1}"), pathItem(page)]),
      ),
      "/dicom-web/{server}/{path}": dicomweb("The store's DICOMweb service (PS3.18)"),
      "/oauth-dicom-web/servers/{server}/{path}": dicomweb(
        "The same under the plugin's path; `stow` there is `studies`",
      ),
    },
    components: {
      schemas: Object.fromEntries(
        Object.entries(answerSchemas).map(([name, schema]) => [name, jsonSchema(schema)]),
      ),
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

function pathItem({ path, right, methods }: Page): Record<string, unknown> {
  const more = right === "open" ? { security: [] } : {};
  const operations = Object.entries(methods).map(([method, page]) => [
    method.toLowerCase(),
    operation(page.summary, responseOf(page), { ...more, ...requestBody(page) }),
  ]);
  return {
    ...(path.includes(":name") && { parameters: [SERVER_NAME] }),
    ...(path.includes(":document") && { parameters: [DOCUMENT] }),
    ...Object.fromEntries(operations),
  };
}

function responseOf({ status, description, mediaType, schema }: PageOperation) {
  const type = mediaType ?? (schema && "application/json");
  return {
    [status ?? 200]: type === undefined ? { description } : response(description, type, schema),
  };
}

function requestBody({ form }: PageOperation): Record<string, unknown> {
  if (form === undefined) return {};
  return { requestBody: { required: true, content: { [form]: { schema: { type: "object" } } } } };
}

function operation(
  summary: string,
  responses: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return { summary, ...more, responses: { ...responses, default: PROBLEM } };
}

function dicomweb(summary: string): Record<string, unknown> {
  const failed = { description: "The store's response, or a problem reported by the gateway" };
  const answered = {
    "2XX": {
      description: "The store's response, unchanged except for what its profile normalizes",
    },
    "4XX": failed,
    "5XX": failed,
  };
  return {
    parameters: [SERVER, PATH],
    ...Object.fromEntries(METHODS.map((method) => [method, operation(summary, answered)])),
  };
}

function response(
  description: string,
  mediaType: string,
  schema?: z.ZodType,
): Record<string, unknown> {
  return { description, content: { [mediaType]: { schema: schema ? shapeOf(schema) : {} } } };
}

/** A reference to a schema that has a name; any other inline. */
function shapeOf(schema: z.ZodType): Record<string, unknown> {
  const name = Object.entries(answerSchemas).find(([, named]) => named === schema)?.[0];
  return name === undefined ? jsonSchema(schema) : { $ref: `#/components/schemas/${name}` };
}

function jsonSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...shape } = z.toJSONSchema(schema);
  return shape;
}
