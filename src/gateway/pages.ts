/**
 * The gateway's own pages, one row each. Routes, `405` responses, open paths, permissions, audit records,
 * metric labels and the OpenAPI document derive from this table.
 */
import { answerSchemas } from "./pages/answer_schemas.ts";
import { showDocument } from "./pages/document_page.tsx";
import type { Page } from "./gateway_env.ts";
import {
  listServers,
  ready,
  revokeToken,
  showKeys,
  showMetrics,
  showStatus,
  testServer,
} from "./pages/management_pages.ts";
import { openApiDocument } from "./pages/openapi.ts";
import { FORM_TYPE, showStatusPage, takeForm } from "./pages/status_handlers.tsx";

export const PAGES: readonly Page[] = [
  {
    path: "/",
    right: "manage",
    methods: {
      GET: {
        summary: "The status page",
        description: "The page",
        mediaType: "text/html",
        handler: showStatusPage,
      },
      POST: {
        summary: "Submit a form of the status page: test a connection, revoke a token",
        form: FORM_TYPE,
        status: 303,
        description: "Redirect to the page, which shows the outcome",
        handler: takeForm,
      },
    },
  },
  {
    path: "/dicomweb-oauth/status",
    right: "manage",
    methods: {
      GET: {
        summary: "State of the gateway",
        description: "Its state",
        schema: answerSchemas.Status,
        handler: showStatus,
      },
    },
  },
  {
    path: "/dicomweb-oauth/servers",
    right: "manage",
    methods: {
      GET: {
        summary: "The servers, their tokens and the outcome of their last requests",
        description: "The servers; never a token",
        schema: answerSchemas.Servers,
        handler: listServers,
      },
    },
  },
  {
    path: "/dicomweb-oauth/servers/:name/test",
    right: "manage",
    methods: {
      POST: {
        summary: "Fetch a new token",
        description: "Token acquired",
        schema: answerSchemas.Test,
        handler: testServer,
      },
    },
  },
  {
    path: "/dicomweb-oauth/servers/:name/token",
    right: "manage",
    methods: {
      DELETE: {
        summary: "Revoke the cached token, for all replicas that share the cache",
        description: "Token revoked",
        schema: answerSchemas.Revocation,
        handler: revokeToken,
      },
    },
  },
  {
    path: "/dicomweb-oauth/metrics",
    right: "metrics",
    methods: {
      GET: {
        summary: "Metrics",
        description: "Prometheus text format",
        mediaType: "text/plain",
        handler: showMetrics,
      },
    },
  },
  {
    path: "/dicomweb-oauth/openapi.json",
    right: "manage",
    methods: {
      GET: {
        summary: "This document",
        description: "OpenAPI 3.1",
        mediaType: "application/json",
        handler: (c, { version }) => c.json(openApiDocument(version, PAGES)),
      },
    },
  },
  {
    path: "/dicomweb-oauth/docs/:document",
    right: "manage",
    methods: {
      GET: {
        summary: "A page of the documentation of this version",
        description: "The page",
        mediaType: "text/html",
        handler: showDocument,
      },
    },
  },
  {
    path: "/healthz",
    right: "open",
    methods: {
      GET: {
        summary: "Liveness: whether the process answers",
        description: "It does",
        schema: answerSchemas.Health,
        handler: (c) => c.json({ status: "ok" }),
      },
    },
  },
  {
    path: "/readyz",
    right: "open",
    methods: {
      GET: {
        summary: "Readiness: whether the token cache is reachable",
        description: "It is",
        schema: answerSchemas.Readiness,
        handler: ready,
      },
    },
  },
  {
    path: "/.well-known/jwks.json",
    right: "open",
    methods: {
      GET: {
        summary: "The public keys of assertions (RFC 7517)",
        description: "The keys",
        schema: answerSchemas.Keys,
        handler: showKeys,
      },
    },
  },
];
