/**
 * The machine of the measurements, without anything that identifies it.
 */
import { runProgram } from "../fixtures/run_program.ts";

/**
 * Lists the machine's facts.
 *
 * @param programs Programs that took part, with the arguments that print their version.
 */
export async function machineFacts(
  programs: readonly (readonly [program: string, ...args: string[]])[],
): Promise<string> {
  const cpu = /^model name\s*:\s*(.+)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1];
  const { total } = Deno.systemMemoryInfo();
  const facts = [
    `Processor: ${cpu ?? "unknown"}, ${navigator.hardwareConcurrency} cores visible`,
    `Memory: ${Math.round(total / 2 ** 30)} GiB`,
    `Linux ${Deno.osRelease().split("-")[0]}, Deno ${Deno.version.deno}`,
  ];
  for (const [program, ...args] of programs) {
    const { output } = await runProgram(program, args);
    const [line = ""] = output.trim().split("\n");
    // Such as `nginx version: nginx/1.22.1` and `wrk 4.1.0 [epoll] Copyright …`.
    facts.push(line.replace(/^nginx version: /, "").replace(/ (?:\[|- ).*$/, ""));
  }
  return facts.map((fact) => `- ${fact}`).join("\n") + "\n";
}
