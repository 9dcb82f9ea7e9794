/**
 * What the demo's store answers when it cannot do what it is asked: an HTTP status with problem
 * details (RFC 9457).
 *
 * @module
 */

/** A request that is refused or cannot be fulfilled. */
export class Problem extends Error {
  /** Tells it from other errors. */
  override readonly name = "Problem";
  /** The HTTP status of the answer. */
  readonly status: number;
  /** Further headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * Makes a problem.
   *
   * @param status The HTTP status of the answer.
   * @param detail What is wrong, for whoever sent the request.
   */
  constructor(status: number, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
  }

  /**
   * The answer.
   *
   * @returns A response with problem details as its body.
   */
  toResponse(): Response {
    return Response.json({ status: this.status, detail: this.message }, {
      status: this.status,
      headers: { ...this.headers, "Content-Type": "application/problem+json" },
    });
  }
}
