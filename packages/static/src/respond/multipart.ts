/** Several ranges in one answer: multipart/byteranges (RFC 9110 §14.6). */
import { randomBytes } from "node:crypto";
import type { FileSegment } from "@tz/http1";
import type { ByteRange } from "../negotiate/byte-ranges.js";
import type { Content } from "./content.js";
import type { Representation } from "./representation.js";

export interface MultipartAnswer {
  /** Of the 206. */
  readonly fields: string[];
  readonly length: number;
  readonly segments: readonly (Uint8Array | FileSegment)[];
}

/** As long as the RFC allows a boundary to be useful: 144 random bits that no file contains by chance. */
const BOUNDARY_BYTES = 18;

export function multipartAnswer(
  representation: Representation,
  content: Content,
  ranges: readonly ByteRange[],
): MultipartAnswer {
  const boundary = randomBytes(BOUNDARY_BYTES).toString("hex");
  const segments: (Uint8Array | FileSegment)[] = [];
  let length = 0;
  let lead = "";
  for (const { start, end } of ranges) {
    const head = Buffer.from(
      `${lead}--${boundary}\r\nContent-Type: ${representation.mediaType}\r\nContent-Range: bytes ${start}-${end - 1}/${content.byteLength}\r\n\r\n`,
      "latin1",
    );
    segments.push(head, content.slice(start, end));
    length += head.byteLength + (end - start);
    lead = "\r\n";
  }
  const last = Buffer.from(`\r\n--${boundary}--\r\n`, "latin1");
  segments.push(last);
  length += last.byteLength;
  return {
    fields: representation.fieldsFor(`multipart/byteranges; boundary=${boundary}`, length),
    length,
    segments,
  };
}
