/**
 * Exit codes of the program, as documented in `docs/command-line.md`; those of BSD `sysexits.h` where
 * one fits.
 */

export const ExitCode = {
  ok: 0,
  failure: 1,
  /** Invalid command line (EX_USAGE). */
  usage: 64,
  /** Invalid configuration (EX_CONFIG). */
  configuration: 78,
  /** Interrupted, and can be resumed: what shells report for SIGINT. */
  interrupted: 130,
} as const;
