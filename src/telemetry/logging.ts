/**
 * Writes log lines to standard error, as text or JSON lines, with secrets taken out of them once
 * more at the last moment: fields by their names, and anything that has the shape of a token. It never
 * waits for whoever reads them.
 *
 * @module
 */
import {
  configureSync,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type LogRecord,
} from "@logtape/logtape";
import { redactByField, redactByPattern } from "@logtape/redaction";
import { JWT_LIKE, maskJwt } from "./jwt_mask.ts";
import { LineQueue } from "./line_queue.ts";
import type { LogFields, Logger } from "./logger.ts";

/** What is logged, and how. */
export interface LoggingOptions {
  readonly level: "debug" | "info" | "warning" | "error";
  /** Other levels of categories below `gateway`, by their names. */
  readonly levels?: Readonly<Record<string, LoggingOptions["level"]>>;
  readonly format: "text" | "json";
  /** Takes one line with its end; it goes to standard error unless given. */
  readonly write?: (line: string) => void;
}

/** Names of fields that are never written, whatever they hold. */
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

/** Values that stand in a text line as they are; all others are quoted, so that no line can be forged. */
const PLAIN = /^[!-~]+$/;

const BEARER = { pattern: /\b(Bearer|Basic|DPoP) +[A-Za-z0-9\-._~+/]+=*/g, replacement: "$1 ***" };
const JWT = { pattern: JWT_LIKE, replacement: maskJwt("***") };

/** The process has one standard error: outlives the configuration that it was made for. */
let standardError: LineQueue | undefined;

/** Writes a line to standard error, in its turn. For lines that another worker has made. */
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

/** @returns How many lines for standard error were dropped since the start. */
export function lostLogLines(): number {
  return standardError?.lost ?? 0;
}

/**
 * Waits until all lines are written to standard error.
 *
 * @param timeoutMs How long to wait at most.
 */
export async function flushLog(timeoutMs: number): Promise<void> {
  await standardError?.flush(timeoutMs);
}

async function writeToStandardError(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await Deno.stderr.write(bytes.subarray(at));
}

/** Sets up logging for this worker or process; later calls replace earlier ones. */
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

/**
 * A logger of one category below `gateway`.
 *
 * @param category The room or part that logs, such as `credentials`.
 */
export function createLogger(category: string): Logger {
  const logger = getLogger(["gateway", category]);
  // The message is text, never a template: braces in it stand for themselves.
  const escape = (message: string) => message.replaceAll("{", "{{").replaceAll("}", "}}");
  return {
    debug: (message: string, fields: LogFields = {}) => logger.debug(escape(message), fields),
    info: (message: string, fields: LogFields = {}) => logger.info(escape(message), fields),
    warn: (message: string, fields: LogFields = {}) => logger.warn(escape(message), fields),
    error: (message: string, fields: LogFields = {}) => logger.error(escape(message), fields),
  };
}

function formatText(values: {
  readonly timestamp: string | null;
  readonly level: string;
  readonly category: string;
  readonly message: string;
  readonly record: LogRecord;
}): string {
  const fields = Object.entries(values.record.properties)
    .map(([name, value]) => ` ${name}=${PLAIN.test(String(value)) ? value : JSON.stringify(value)}`)
    .join("");
  return `${values.timestamp} ${values.level} ${values.category} ${
    oneLine(values.message)
  }${fields}`;
}

function oneLine(message: string): string {
  return message.replace(/\p{Cc}+/gu, " ");
}
