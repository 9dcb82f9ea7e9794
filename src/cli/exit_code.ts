/**
 * How the program ends (BSD `sysexits.h` where it has a code that fits).
 *
 * @module
 */

/** Exit codes, as documented in `docs/command-line.md`. */
export const ExitCode = {
  /** All went well. */
  ok: 0,
  /** It failed: the port is in use, or a step of the demo did not work. */
  failure: 1,
  /** Invalid command line (EX_USAGE). */
  usage: 64,
  /** The configuration is wrong (EX_CONFIG). */
  configuration: 78,
  /** Someone interrupted it, and it can be gone on with: as shells tell of SIGINT. */
  interrupted: 130,
} as const;
