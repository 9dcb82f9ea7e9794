/**
 * Verifies what a client received: a wrong answer fails the benchmark.
 */
import assert from "node:assert/strict";
import { tagOf } from "../../../src/demo/dicom_dictionary.ts";
import type { DicomJson } from "../../../src/demo/dicom_json.ts";
import { boundaryOf, readMultipart } from "../../../src/dicomweb/multipart/multipart_reader.ts";
import { sha256 } from "../../fixtures/seeded_bytes.ts";
import type { BenchInstance } from "./study.ts";

/** Each instance is reported as stored once, and none as failed. */
export function expectReports(reports: readonly unknown[], sent: readonly BenchInstance[]): void {
  const stored = (reports as DicomJson[]).flatMap((report) => {
    for (const failures of ["FailedSOPSequence", "OtherFailuresSequence"] as const) {
      assert.equal(report[tagOf(failures)], undefined, JSON.stringify(report).slice(0, 1000));
    }
    const items = report[tagOf("ReferencedSOPSequence")]?.Value as readonly DicomJson[];
    return items.map((item) => item[tagOf("ReferencedSOPInstanceUID")]?.Value?.[0]);
  });
  assert.deepEqual(stored.toSorted(), sent.map(({ uid }) => uid).toSorted());
}

/** A multipart body with its Content-Type. */
export interface InstancesBody {
  readonly type: string | null;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The parts are the instances, byte for byte, in any order. */
export async function expectInstances(
  bodies: readonly InstancesBody[],
  expected: readonly BenchInstance[],
): Promise<void> {
  const hashes: string[] = [];
  for (const { type, bytes } of bodies) {
    const stream = new Blob([bytes]).stream();
    for await (const part of readMultipart(stream, boundaryOf(type))) {
      hashes.push(sha256(await new Response(part.body).bytes()));
    }
  }
  assert.deepEqual(hashes.toSorted(), hashesOf(expected));
}

/** SHA-256 of the files, sorted. */
export function hashesOf(instances: readonly BenchInstance[]): string[] {
  return instances.map(({ file }) => sha256(file)).toSorted();
}

/** The instances of metadata or a search, by their numbers. */
export function orderOf(
  datasets: unknown,
): { readonly series: string; readonly instance: string }[] {
  const number = (json: DicomJson) => Number(json[tagOf("InstanceNumber")]?.Value?.[0]);
  return (datasets as DicomJson[]).toSorted((a, b) => number(a) - number(b)).map((json) => ({
    series: json[tagOf("SeriesInstanceUID")]?.Value?.[0] as string,
    instance: json[tagOf("SOPInstanceUID")]?.Value?.[0] as string,
  }));
}

/** The metadata is of all instances, and the frames are the first ones of the first `count`. */
export function expectFrames(
  frames: ReadonlyMap<string, Uint8Array>,
  metadata: unknown,
  expected: readonly BenchInstance[],
  count: number,
): void {
  assert.deepEqual(
    orderOf(metadata).map(({ instance }) => instance),
    expected.map(({ uid }) => uid),
  );
  assert.equal(frames.size, count);
  for (const { uid, firstFrame } of expected.slice(0, count)) {
    assert.equal(sha256(contentOf(frames.get(uid)!)), sha256(firstFrame), `frame of ${uid}`);
  }
}

/** The content of a multipart body of one part. */
function contentOf(body: Uint8Array): Uint8Array {
  const text = new TextDecoder("latin1").decode(body.subarray(0, 2_000));
  const start = text.indexOf("\r\n\r\n") + 4;
  const boundary = text.slice(0, text.indexOf("\r\n"));
  const tail = new TextDecoder("latin1").decode(body.subarray(-200));
  const end = body.length - tail.length + tail.lastIndexOf(`\r\n${boundary}--`);
  return body.subarray(start, end);
}
