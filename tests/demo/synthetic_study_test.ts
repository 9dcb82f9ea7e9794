import assert from "node:assert/strict";
import { plainString } from "../../src/demo/dicom_dataset.ts";
import { toDicomJson } from "../../src/demo/dicom_json.ts";
import { readDicomFile } from "../../src/demo/dicom_reader.ts";
import { makeSyntheticStudy } from "../../src/demo/synthetic_study.ts";
import { needing, type Tool } from "../fixtures/installed_tool.ts";
import { PYDICOM, pydicomJson } from "./pydicom.ts";

const DCMTK: Tool = { name: "dcmtk", path: "/usr/bin/dcmdump" };

async function withFiles(use: (paths: string[]) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const paths: string[] = [];
    for (const { sopInstanceUid, file } of makeSyntheticStudy().instances) {
      paths.push(`${folder}/${sopInstanceUid}.dcm`);
      await Deno.writeFile(paths.at(-1)!, file);
    }
    await use(paths);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("makeSyntheticStudy makes one study of two series of five images, each UID its own", () => {
  const { studyInstanceUid, instances } = makeSyntheticStudy();
  assert.equal(instances.length, 10);
  assert.equal(new Set(instances.map((each) => each.sopInstanceUid)).size, 10);
  assert.equal(new Set(instances.map((each) => each.seriesInstanceUid)).size, 2);
  for (const { sopInstanceUid, seriesInstanceUid, file } of instances) {
    const { dataset, transferSyntax } = readDicomFile(file);
    assert.equal(transferSyntax, "1.2.840.10008.1.2.1");
    assert.equal(plainString(dataset, "00080018"), sopInstanceUid);
    assert.equal(plainString(dataset, "0020000E"), seriesInstanceUid);
    assert.equal(plainString(dataset, "0020000D"), studyInstanceUid);
    assert.equal(plainString(dataset, "00100010"), "Demo^Synthetic");
    assert.equal(plainString(dataset, "00100020"), "DEMO-0001");
    assert.match(sopInstanceUid, /^2\.25\.[1-9][0-9]{0,38}$/);
  }
});

Deno.test("makeSyntheticStudy makes the same bytes every time, and no two images alike", () => {
  const [once, again] = [makeSyntheticStudy(), makeSyntheticStudy()];
  assert.deepEqual(once, again);
  const pixels = once.instances.map(({ file }) => file.subarray(-128 * 128 * 2).toBase64());
  // The middle slices of the two series have the same height.
  assert.equal(new Set(pixels).size, 7);
});

Deno.test(needing(PYDICOM, {
  name: "pydicom reads the synthetic study like the reader of the demo",
  async fn() {
    await withFiles(async (paths) => {
      let read = 0;
      for await (const { file, json } of pydicomJson(paths)) {
        assert.deepEqual(toDicomJson(readDicomFile(await Deno.readFile(file)).dataset), json);
        read++;
      }
      assert.equal(read, 10);
    });
  },
}));

Deno.test(needing(DCMTK, {
  name: "dcmtk reads the synthetic study without a warning",
  async fn() {
    await withFiles(async (paths) => {
      const { code, stdout, stderr } = await new Deno.Command(DCMTK.path, {
        args: ["--log-level", "warn", ...paths],
      }).output();
      assert.equal(new TextDecoder().decode(stderr), "");
      assert.equal(code, 0);
      assert.equal(new TextDecoder().decode(stdout).match(/\[Demo\^Synthetic\]/g)?.length, 10);
    });
  },
}));
