/**
 * pydicom as an independent reader of DICOM files.
 */
import { fileURLToPath } from "node:url";
import type { DicomJson } from "../../src/demo/dicom_json.ts";
import type { Tool } from "../fixtures/installed_tool.ts";

/** Debian's pydicom, with its test files. */
export const PYDICOM: Tool = {
  name: "python3-pydicom",
  path: "/usr/lib/python3/dist-packages/pydicom/__init__.py",
};

/** A file as pydicom reads it. */
export interface PydicomReading {
  readonly file: string;
  readonly json: DicomJson;
}

/** Reads files, or pydicom's own test files if none are given, except those it cannot read. */
export async function* pydicomJson(files: readonly string[]): AsyncGenerator<PydicomReading> {
  const script = fileURLToPath(new URL("./pydicom_json.py", import.meta.url));
  const { success, stdout, stderr } = await new Deno.Command("/usr/bin/python3", {
    args: [script, ...files],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  for (const line of new TextDecoder().decode(stdout).trim().split("\n")) yield JSON.parse(line);
}
