import { pipeline, Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { ServerError } from "../errors.js";

const DECODERS: { readonly [coding: string]: (() => Transform) | undefined } = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};
const ACCEPTED = ["Accept-Encoding", "gzip, br, deflate"] as const;
/** Nobody has a reason to code a body more often. */
const MAX_CODINGS = 2;

/**
 * The codings of a body in the order in which they were applied (RFC 9110 §8.4), without `identity`.
 * @throws ServerError `TZ_SERVER_BODY_CODING` for one that is not known, or too many; the answer says which are (RFC 7694)
 */
export function codingsOf(contentEncoding: string | undefined): readonly string[] {
  if (contentEncoding === undefined) return [];
  const codings = contentEncoding
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity");
  const unknown = codings.find((coding) => !Object.hasOwn(DECODERS, coding));
  if (unknown !== undefined || codings.length > MAX_CODINGS) {
    const message =
      unknown === undefined
        ? `more than ${MAX_CODINGS} content codings`
        : `the content coding ${unknown} is not known`;
    throw new ServerError("TZ_SERVER_BODY_CODING", message, { fields: ACCEPTED });
  }
  return codings;
}

/**
 * Takes the codings off a body. What comes out is counted as it comes: a small body that grows beyond the limit is
 * stopped there, a piece after the limit at the latest.
 *
 * @param maxBytes of decoded content
 * @throws ServerError `TZ_SERVER_BODY_TOO_LARGE`; `TZ_SERVER_BODY_INVALID` when the bytes are not what the coding says;
 *   what the source throws
 */
export async function* decoded(
  source: AsyncIterable<Uint8Array>,
  codings: readonly string[],
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, void> {
  const stages = [...codings].reverse().map((coding) => DECODERS[coding]!());
  const last = stages.at(-1)!;
  // The callback's error is the one that the loop below throws.
  pipeline([Readable.from(source, { objectMode: false }), ...stages], () => {});
  let bytes = 0;
  try {
    for await (const chunk of last as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) {
        throw new ServerError(
          "TZ_SERVER_BODY_TOO_LARGE",
          `the decoded request body is larger than maxBodyBytes = ${maxBytes}`,
        );
      }
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ServerError) throw error;
    throw new ServerError("TZ_SERVER_BODY_INVALID", `the request body is not ${codings.join(", ")}`, {
      cause: error,
    });
  } finally {
    last.destroy();
  }
}
