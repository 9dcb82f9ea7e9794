/**
 * Opens many slow streams in a process of its own and reads them until it is ended. Prints a line
 * when all are open.
 *
 * `deno run listeners.ts URL COUNT`
 */
import { KEY, KEY_HEADER } from "./messages.ts";
import { printLine } from "./print_line.ts";

const [url, count] = Deno.args;
const client = Deno.createHttpClient({ http1: true, http2: false });
const open = Array.from({ length: Number(count) }, async () => {
  const response = await fetch(url!, { client, headers: { [KEY_HEADER]: KEY } });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  const reader = response.body!.getReader();
  await reader.read();
  return reader;
});
const readers = await Promise.all(open);
printLine("open");
await Promise.all(readers.map(async (reader) => {
  while (!(await reader.read()).done);
}));
