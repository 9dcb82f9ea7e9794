/**
 * A gateway as a process of its own whose workers can be made to fail, and which need not be ready to
 * be asked: what it shares with others may be missing.
 *
 * @module
 */
import { START_FLAGS } from "../../deploy/deno_flags.ts";

/** A running gateway. */
export interface LooseGateway {
  readonly url: string;
  /** Waits until it has written something. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Waits until it answers. */
  untilReady(): Promise<void>;
  /** Ends it. @returns Everything that it wrote. */
  stop(): Promise<string>;
}

/**
 * Starts a gateway.
 *
 * @param env Variables for its environment, besides those of the test.
 */
export async function startLooseGateway(
  config: string,
  env: Readonly<Record<string, string>>,
): Promise<LooseGateway> {
  const script = new URL("../fixtures/faulty_gateway.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...START_FLAGS, script, config],
    cwd: new URL("../..", import.meta.url).pathname,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const written = Promise.all([child.stdout, child.stderr].map(async (stream) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  }));
  const until = async (pattern: RegExp) => {
    for (let attempt = 0; attempt < 1000; attempt++) {
      const found = pattern.exec(output);
      if (found !== null) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the gateway did not write ${pattern}; it wrote:\n${output}`);
  };
  const url =
    (await until(/Listening\W+(?:logger\W+gateway\.runtime\W+)?url\W+(http:[\w.:/]+)/))[1]!;
  return {
    url,
    until,
    async untilReady() {
      for (let attempt = 0; attempt < 1000; attempt++) {
        const response = await fetch(`${url}/readyz`).catch(() => undefined);
        await response?.body?.cancel();
        if (response?.ok) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`the gateway is not ready; it wrote:\n${output}`);
    },
    async stop() {
      child.kill("SIGKILL");
      await child.status;
      await written;
      return output;
    },
  };
}
