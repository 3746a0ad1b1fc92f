/** The answer of another gateway as a JSON object. Not more of it is read than `bytesMax`. @throws Error for what is none */
export async function readPeerAnswer(answer: Response, bytesMax: number): Promise<Record<string, unknown>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  // A loop that is left cancels the rest.
  for await (const piece of answer.body ?? []) {
    length += piece.length;
    if (length > bytesMax) throw new Error(`its answer has more than ${bytesMax} bytes`);
    pieces.push(piece);
  }
  const value: unknown = JSON.parse(Buffer.concat(pieces).toString());
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new Error("its answer is no JSON object");
}
