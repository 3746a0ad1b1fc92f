const HEAD_END = Buffer.from("\r\n\r\n");

/** Takes the bytes of one connection and counts whole answers, each checked for its status. */
export class AnswerCounter {
  #rest: Buffer | undefined;

  /**
   * @returns how many answers ended in this chunk
   * @throws Error for an answer that is not 200, or is not framed by Content-Length
   */
  feed(chunk: Buffer): number {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    let count = 0;
    while (at < bytes.length) {
      const end = endOfAnswer(bytes, at);
      if (end < 0 || end > bytes.length) break;
      at = end;
      count++;
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : undefined;
    return count;
  }
}

/** @returns where the answer at `at` ends, -1 while its head is not whole */
function endOfAnswer(bytes: Buffer, at: number): number {
  const headEnd = bytes.indexOf(HEAD_END, at);
  if (headEnd < 0) return -1;
  const head = bytes.toString("latin1", at, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (!head.startsWith("HTTP/1.1 200 ") || length === undefined) {
    throw new Error(`not the answer to an event: ${bytes.toString("latin1", at, at + 300)}`);
  }
  return headEnd + HEAD_END.length + Number(length);
}
