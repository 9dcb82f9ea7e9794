/**
 * The rooms of `src/`, in the order of their imports, and their privileges. The lint plugin beside
 * this file enforces both.
 */

/** Each room may import those before it, never those after it. */
export const ROOMS: readonly string[] = [
  "errors",
  "dicomweb",
  "config",
  "telemetry",
  "network",
  "credentials",
  "upstream",
  "gateway",
  "runtime",
  "tools",
  "demo",
  "cli",
];

/** Something that only the named rooms may do. */
export interface Privilege {
  /** An infinitive for the message. */
  readonly what: string;
  readonly rooms: readonly string[];
  /** Names of globals; other rooms must not use such a name for anything. */
  readonly globals?: readonly string[];
  /** Members of `Deno`. */
  readonly deno?: readonly string[];
  /** Modules, with all their subpaths. */
  readonly modules?: readonly string[];
}

export const PRIVILEGES: readonly Privilege[] = [
  {
    what: "reach the network",
    rooms: ["network"],
    globals: ["fetch", "WebSocket", "EventSource"],
    deno: ["createHttpClient", "connect", "connectTls", "startTls", "resolveDns"],
    modules: ["node:https", "node:http2", "node:net", "node:tls", "node:dgram", "node:dns"],
  },
  {
    // oidc-provider, which the demo may embed, needs Node's request and response.
    what: "use Node's HTTP",
    rooms: ["network", "demo"],
    modules: ["node:http"],
  },
  { what: "open a key-value database", rooms: ["credentials"], deno: ["openKv"] },
  { what: "import Hono", rooms: ["gateway", "demo"], modules: ["hono", "@hono"] },
  {
    what: "listen for connections",
    rooms: ["runtime", "tools", "demo"],
    deno: ["serve", "listen", "listenTls", "listenDatagram"],
  },
  {
    what: "start workers, start processes and receive signals",
    rooms: ["runtime"],
    globals: ["Worker"],
    deno: ["addSignalListener", "removeSignalListener", "Command", "kill"],
    modules: ["node:worker_threads", "node:child_process"],
  },
  {
    what: "end the process and write to standard output",
    rooms: ["cli"],
    globals: ["console"],
    deno: ["exit", "exitCode", "stdout"],
  },
  {
    what: "read the environment",
    rooms: ["config"],
    deno: ["env"],
    modules: ["node:process"],
  },
  {
    // config/ reads the configuration. The others read files that it names or that a person names:
    // credentials/ those that other programs renew, runtime/ the state directory, tools/ a folder.
    what: "read files",
    rooms: ["config", "credentials", "runtime", "tools"],
    deno: [
      "readTextFile",
      "readTextFileSync",
      "readFile",
      "readFileSync",
      "readDir",
      "readDirSync",
      "open",
      "openSync",
    ],
    modules: ["node:fs"],
  },
];

/** Names of files and folders that say nothing about their content. */
export const DRAWERS: readonly string[] = [
  "util",
  "utils",
  "helper",
  "helpers",
  "common",
  "misc",
  "index",
  "mod",
];
