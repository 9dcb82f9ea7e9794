/**
 * Writes log lines to standard error, as text or JSON lines, without waiting for the reader. As a last
 * defence, redacts fields with secret names and everything that looks like a token.
 */
import {
  configureSync,
  type FormattedValues,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type LogRecord,
} from "@logtape/logtape";
import { redactByField, redactByPattern } from "@logtape/redaction";
import { JWT_LIKE, maskJwt } from "./jwt_mask.ts";
import { LineQueue } from "./line_queue.ts";
import type { LogFields, Logger } from "./logger.ts";

export interface LoggingOptions {
  readonly level: "debug" | "info" | "warning" | "error";
  /** Levels of single categories below `gateway`. */
  readonly levels?: Readonly<Record<string, LoggingOptions["level"]>>;
  readonly format: "text" | "json";
  /** Receives a line with its end; by default standard error. */
  readonly write?: (line: string) => void;
}

/** Names of fields whose values are never written. */
const SECRET_FIELDS = [
  /secret/i,
  /password/i,
  /assertion/i,
  /private.?key/i,
  /encryption.?key/i,
  /^authorization$/i,
  /^cookie$/i,
  /^(access_?|id_?|refresh_?)?token$/i,
];

/** Other values are quoted in text lines, so that no line can be forged. */
const PLAIN = /^[!-~]+$/;

const BEARER = { pattern: /\b(Bearer|Basic|DPoP) +[A-Za-z0-9\-._~+/]+=*/g, replacement: "$1 ***" };
const JWT = { pattern: JWT_LIKE, replacement: maskJwt("***") };

/** One per process; survives `configureLogging`. */
let standardError: LineQueue | undefined;

/** Queues a finished line of this thread or of a worker. */
export function writeLogLine(line: string): void {
  standardError ??= new LineQueue({
    write: writeToStandardError,
    dropped: (lines) =>
      createLogger("log").error("Log lines were discarded: standard error was not read in time", {
        lines,
      }),
  });
  standardError.push(line);
}

/** @returns Lines discarded since the start. */
export function lostLogLines(): number {
  return standardError?.lost ?? 0;
}

export async function flushLog(timeoutMs: number): Promise<void> {
  await standardError?.flush(timeoutMs);
}

async function writeToStandardError(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await Deno.stderr.write(bytes.subarray(at));
}

/** Configures logging of this worker or process; replaces an earlier configuration. */
export function configureLogging(options: LoggingOptions): void {
  const { write = writeLogLine } = options;
  const formatter = redactByPattern(
    options.format === "json"
      ? getJsonLinesFormatter({ properties: "flatten" })
      : getTextFormatter({ timestamp: "rfc3339", format: formatText }),
    [BEARER, JWT],
  );
  const sink = redactByField((record: LogRecord) => write(formatter(record)), {
    fieldPatterns: SECRET_FIELDS,
    action: () => "***",
  });
  configureSync({
    reset: true,
    sinks: { sink },
    loggers: [
      { category: "gateway", sinks: ["sink"], lowestLevel: options.level },
      ...Object.entries(options.levels ?? {}).map(([category, lowestLevel]) => ({
        category: ["gateway", category],
        sinks: ["sink"],
        lowestLevel,
        parentSinks: "override" as const,
      })),
      { category: ["logtape", "meta"], sinks: ["sink"], lowestLevel: "error" },
    ],
  });
}

/** @param category A category below `gateway`, such as `credentials`. */
export function createLogger(category: string): Logger {
  const logger = getLogger(["gateway", category]);
  // The message is text, not a LogTape template.
  const escape = (message: string) => message.replaceAll("{", "{{").replaceAll("}", "}}");
  return {
    debug: (message: string, fields: LogFields = {}) => logger.debug(escape(message), fields),
    info: (message: string, fields: LogFields = {}) => logger.info(escape(message), fields),
    warn: (message: string, fields: LogFields = {}) => logger.warn(escape(message), fields),
    error: (message: string, fields: LogFields = {}) => logger.error(escape(message), fields),
  };
}

function formatText(values: FormattedValues): string {
  const fields = Object.entries(values.record.properties)
    .map(([name, value]) => ` ${name}=${PLAIN.test(String(value)) ? value : JSON.stringify(value)}`)
    .join("");
  const message = values.message.replace(/\p{Cc}+/gu, " ");
  return `${values.timestamp} ${values.level} ${values.category} ${message}${fields}`;
}
