/**
 * Lets other requests proceed during long work: data that is already there, such as a body that
 * decompresses to a multiple of its size, is read without ever returning to the event loop.
 *
 * @module
 */

/** How long work may go on at a stretch. */
const SLICE_MS = 5;

/** One piece of work, cut into slices. */
export class TimeSlice {
  #endsMs = performance.now() + SLICE_MS;

  /** Whether it is time to let others proceed. */
  get isOver(): boolean {
    return performance.now() >= this.#endsMs;
  }

  /** Returns to the event loop, and begins the next slice. */
  async pause(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#endsMs = performance.now() + SLICE_MS;
  }
}
