/**
 * Finds the files that `deno test` would run.
 */

const TEST_FILE = /(?:^|[._])test\.(?:[cm]?[jt]s|[jt]sx)$/;

/** Lists the files of a directory before those of its subdirectories. */
export async function findTestFiles(directory: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(directory));
  entries.sort((one, other) => one.name < other.name ? -1 : 1);
  const here = entries.filter(({ isFile, name }) => isFile && TEST_FILE.test(name));
  const below = await Promise.all(
    entries.filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => findTestFiles(`${directory}/${name}`)),
  );
  return [...here.map(({ name }) => `${directory}/${name}`), ...below.flat()];
}
