/**
 * Yields during long work: data in memory, such as a body that decompresses to a multiple of its
 * size, is otherwise read without returning to the event loop.
 */

const SLICE_MS = 5;

export class TimeSlice {
  #endsMs = performance.now() + SLICE_MS;

  get isOver(): boolean {
    return performance.now() >= this.#endsMs;
  }

  /** Returns to the event loop; the next slice begins afterwards. */
  async pause(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#endsMs = performance.now() + SLICE_MS;
  }
}
