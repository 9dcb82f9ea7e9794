/**
 * Empty bodies with a `Content-Encoding`, which some servers send with every answer. The runtime's
 * `fetch` decodes before anyone could look, and fails: nothing is not a gzip stream.
 */

/** The runtime's decoders (gzip, br) at the end of their input; a connection that ends says otherwise. */
const ENDED = /^(?:unexpected end of file|reached unexpected EOF)$/;

/**
 * The response, with an empty body in place of one that ends before a decoder had anything. So does a
 * coded body that is truncated in its first bytes by someone who frames it anew. Therefore a successful
 * response with a type is left as it is: it has content.
 */
export function withEmptyBody(response: Response): Response {
  const { body, status, headers } = response;
  // The runtime removes the length of what it decodes.
  if (body === null || headers.has("content-length")) return response;
  if (status < 300 && headers.has("content-type")) return response;
  const reader = body.getReader();
  let isEmpty = true;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        isEmpty = false;
        controller.enqueue(value);
      } catch (error) {
        if (!isEmpty || !(error instanceof TypeError) || !ENDED.test(error.message)) throw error;
        controller.close();
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return new Response(stream, { status, headers });
}
