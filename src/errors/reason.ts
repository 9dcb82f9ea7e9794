/**
 * The reason that a message about a failure gives.
 */

/** The message of an error, or the text of whatever else was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
