/**
 * The narrow logger that rooms are handed. What is written where is decided in `logging.ts`.
 *
 * @module
 */

/** Facts that belong to a log line. Never a secret, a token or patient data. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where a room writes its log lines. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
