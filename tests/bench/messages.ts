/**
 * The messages of the benchmarks.
 */

/** The header of the loads' API key; the gateway's peers forward it. */
export const KEY_HEADER = "x-api-key";
export const KEY = "a key that is for this benchmark and nothing else";

/** Least length of a response to a small search. */
const SEARCH_BYTES = 2_800;

/**
 * A response to a small search in DICOM JSON, with a URL in each study.
 *
 * @param base Base URL of the store that sends it.
 */
export function searchAnswer(base: string): Uint8Array<ArrayBuffer> {
  const studies: unknown[] = [];
  let text = "";
  while (text.length < SEARCH_BYTES) {
    const uid = `1.2.826.0.1.3680043.8.498.${studies.length}`;
    studies.push({
      "00080005": { vr: "CS", Value: ["ISO_IR 192"] },
      "00080020": { vr: "DA", Value: ["20260131"] },
      "00080050": { vr: "SH", Value: [`A${studies.length}`] },
      "00080061": { vr: "CS", Value: ["CT"] },
      "00081190": { vr: "UR", Value: [`${base}/studies/${uid}`] },
      "00100010": { vr: "PN", Value: [{ Alphabetic: "Synthetic^Patient" }] },
      "00100020": { vr: "LO", Value: [`P${studies.length}`] },
      "0020000D": { vr: "UI", Value: [uid] },
    });
    text = JSON.stringify(studies);
  }
  return new TextEncoder().encode(text);
}

/** A multipart response of one instance, with the boundary `part`. */
export function instance(bytes: number): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode("--part\r\nContent-Type: application/dicom\r\n\r\n");
  const tail = new TextEncoder().encode("\r\n--part--\r\n");
  const body = new Uint8Array(head.length + bytes + tail.length);
  body.set(head);
  for (let at = 0; at < bytes; at++) body[head.length + at] = at * 31;
  body.set(tail, head.length + bytes);
  return body;
}
