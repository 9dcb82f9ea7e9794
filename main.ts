/**
 * The entry point of the DICOMweb OAuth Gateway: hands the arguments to the command line and does nothing else.
 */
import { run } from "./src/cli/run.ts";

if (import.meta.main) await run(Deno.args);
