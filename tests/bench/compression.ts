/**
 * How long study metadata takes, and how many bytes, for a client with a session that accepts gzip: from a
 * real Orthanc, and through the gateway: `deno task bench:compression`.
 */
import { parseArgs } from "node:util";
import { CT_IMAGE, dicomFile, newUid } from "../fixtures/dicom_file.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { Orthanc } from "../fixtures/orthanc.ts";
import { runProgram } from "../fixtures/run_program.ts";
import { writeSection } from "./document.ts";
import { printLine } from "./print_line.ts";
import { benchFile } from "./processes.ts";
import { median, table, withLimit } from "./table.ts";

const INSTANCES = 200;
const CLIENT = benchFile("compression_client.py");

interface Session {
  /** Milliseconds for five answers. */
  readonly rounds: readonly number[];
  readonly received: number;
  readonly content: number;
  /** What level 6 of zlib makes of the content. */
  readonly level6: number;
}

const { values: { rounds } } = parseArgs({
  options: { rounds: { type: "string", default: "31" } },
});

await using orthanc = await Orthanc.start();
const study = newUid();
const seriesInstanceUid = newUid();
for (let instanceNumber = 1; instanceNumber <= INSTANCES; instanceNumber++) {
  await orthanc.upload(dicomFile({
    sopClassUid: CT_IMAGE,
    sopInstanceUid: newUid(),
    seriesInstanceUid,
    studyInstanceUid: study,
    instanceNumber,
    patientId: "P",
    modality: "CT",
    rows: 16,
    columns: 16,
  }));
}
await using gateway = await startGateway({
  Servers: { main: { Url: orthanc.dicomWebUrl, ProviderType: "none" } },
});

const rows: string[][] = [];
for (const coding of ["gzip", "identity"]) {
  const { stdout, stderr, success } = await runProgram("python3", [
    CLIENT,
    rounds,
    coding,
    `${orthanc.dicomWebUrl}/studies/${study}/metadata`,
    `${gateway.url}/dicom-web/main/studies/${study}/metadata`,
  ]);
  if (!success) throw new Error(stderr);
  const [direct, through] = JSON.parse(stdout) as [Session, Session];
  const [directMs, throughMs] = [median(direct.rounds), median(through.rounds)];
  const isGzip = coding === "gzip";
  rows.push([
    coding,
    `${directMs.toFixed(0)} ms`,
    `${throughMs.toFixed(0)} ms`,
    withLimit(throughMs / directMs, isGzip ? 1.15 : undefined),
    direct.received.toLocaleString("en"),
    through.received.toLocaleString("en"),
    isGzip ? withLimit(through.received / through.level6, 1.1) : "",
  ]);
}
const heads = [
  "`Accept-Encoding`",
  "direct",
  "gateway",
  "ratio",
  "bytes direct",
  "bytes gateway",
  "against level 6",
];
const text =
  `Written by \`deno task bench:compression\`. Metadata of a study of ${INSTANCES} instances from a real
Orthanc, which does not compress for the gateway, as it is near: five answers one after the other, on one
kept connection, by Python's \`http.client\`; direct and through the gateway in turn, medians of ${rounds}
rounds. The load average at the end was ${Deno.loadavg()[0]!.toFixed(2)} on two cores.

${table(heads, rows)}
`;
printLine(text);
await writeSection("compression", text);
