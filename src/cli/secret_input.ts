/**
 * Reads secrets without showing them.
 */
import { complain } from "./terminal.ts";

const ENTER = /[\r\n]/;
const INTERRUPT = "\u0003";
const END = "\u0004";
const ERASE = new Set(["\u007f", "\b"]);

/**
 * Prompts for a line at a terminal, or reads all of standard input where that is none. Returns the text
 * without its last line end, or undefined if the user cancels.
 */
export async function readSecret(prompt: string): Promise<string | undefined> {
  if (!Deno.stdin.isTerminal()) {
    return (await new Response(Deno.stdin.readable).text()).replace(/\r?\n$/, "");
  }
  Deno.stderr.writeSync(new TextEncoder().encode(prompt));
  Deno.stdin.setRaw(true);
  try {
    return await typedLine();
  } finally {
    Deno.stdin.setRaw(false);
    complain("");
  }
}

async function typedLine(): Promise<string | undefined> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(256);
  const typed: string[] = [];
  for (;;) {
    const length = await Deno.stdin.read(buffer);
    if (length === null) return typed.length > 0 ? typed.join("") : undefined;
    for (const character of decoder.decode(buffer.subarray(0, length), { stream: true })) {
      if (ENTER.test(character)) return typed.join("");
      if (character === INTERRUPT || character === END) return undefined;
      if (ERASE.has(character)) typed.pop();
      else typed.push(character);
    }
  }
}
