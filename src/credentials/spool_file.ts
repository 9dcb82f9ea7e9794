/**
 * A temporary file without a name, encrypted block by block (AES-256-GCM) with a key of its own. It is
 * written once, from beginning to end, and can then be read several times. Its last block stays in memory.
 */

/** Bytes of a block before encryption. */
const BLOCK_BYTES = 256 * 1024;
/** What encryption adds to a block. */
const TAG_BYTES = 16;

/** An encrypted temporary file. */
export class SpoolFile {
  readonly #file: Deno.FsFile;
  readonly #key: CryptoKey;
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #filled = 0;
  #blocks = 0;
  /** Operations on the file are serialized: they share its position. */
  #last: Promise<unknown> = Promise.resolve();
  #reader: symbol | undefined;
  #isClosed = false;

  private constructor(file: Deno.FsFile, key: CryptoKey) {
    this.#file = file;
    this.#key = key;
  }

  /**
   * Creates an empty file.
   *
   * @param createFile Creates a file in a directory and unlinks it.
   * @throws The error of the operating system.
   */
  static async create(
    directory: string,
    createFile: (directory: string) => Deno.FsFile = createNamelessFile,
  ): Promise<SpoolFile> {
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
      "encrypt",
      "decrypt",
    ]);
    return new SpoolFile(createFile(directory), key);
  }

  /** Bytes that can be read: all written, or those before a write that failed. */
  get length(): number {
    return this.#blocks * BLOCK_BYTES + this.#filled;
  }

  /** @throws The error of the operating system; what fits into a block was appended all the same. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length;) {
      if (this.#filled === BLOCK_BYTES) await this.#writeBlock();
      const part = bytes.subarray(offset, offset + BLOCK_BYTES - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      offset += part.length;
    }
  }

  /**
   * Reads the file from its beginning. Streams opened before fail, and so does this one if the file is
   * changed or closed.
   */
  read(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const reader = Symbol();
    this.#reader = reader;
    let index = 0;
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        if (index < this.#blocks) return controller.enqueue(await this.#readBlock(index++, reader));
        if (this.#filled > 0) controller.enqueue(await this.#lastBlock(reader));
        controller.close();
      },
    }, { highWaterMark: 0 });
  }

  /** Closes the file, which the system then deletes. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inTurn(() => Promise.resolve(this.#file.close())).catch(() => {});
  }

  async #writeBlock(): Promise<void> {
    const encrypted = await crypto.subtle.encrypt(
      parameters(this.#blocks),
      this.#key,
      this.#block.subarray(0, this.#filled),
    );
    await this.#inTurn(() => writeAll(this.#file, new Uint8Array(encrypted)));
    this.#blocks++;
    this.#filled = 0;
  }

  #readBlock(index: number, reader: symbol): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inTurn(async () => {
      this.#check(reader);
      const bytes = new Uint8Array(BLOCK_BYTES + TAG_BYTES);
      await this.#file.seek(index * (BLOCK_BYTES + TAG_BYTES), Deno.SeekMode.Start);
      await readAll(this.#file, bytes);
      return new Uint8Array(await crypto.subtle.decrypt(parameters(index), this.#key, bytes));
    });
  }

  #lastBlock(reader: symbol): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inTurn(() => {
      this.#check(reader);
      return Promise.resolve(this.#block.slice(0, this.#filled));
    });
  }

  #check(reader: symbol): void {
    if (this.#isClosed) throw new Error("the exchange is over");
    if (this.#reader !== reader) throw new Error("the body is being sent again");
  }

  #inTurn<T>(operate: () => Promise<T>): Promise<T> {
    const done = this.#last.then(operate);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** Unlinks the file synchronously, so that no other task of this process sees its name. */
function createNamelessFile(directory: string): Deno.FsFile {
  const path = `${directory}/spool-${crypto.randomUUID()}`;
  const file = Deno.openSync(path, { read: true, write: true, createNew: true, mode: 0o600 });
  try {
    Deno.removeSync(path);
  } catch (error) {
    file.close();
    throw error;
  }
  return file;
}

/** A key is used for one file only, so the number of a block is a unique nonce. */
function parameters(index: number): AesGcmParams {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setUint32(8, index);
  return { name: "AES-GCM", iv };
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) offset += await file.write(bytes.subarray(offset));
}

async function readAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    const read = await file.read(bytes.subarray(offset));
    if (read === null) throw new Error("the file of the spool is too short");
    offset += read;
  }
}
