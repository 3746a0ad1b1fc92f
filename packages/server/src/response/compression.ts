import { pipeline, Readable, type Transform } from "node:stream";
import { promisify } from "node:util";
import {
  brotliCompress,
  brotliCompressSync,
  createBrotliCompress,
  createGzip,
  gzip,
  gzipSync,
  constants as zlib,
} from "node:zlib";
import { FIELD, type ResponsePlan } from "@tz/http1";
import type { ServerRequest } from "../request.js";
import { acceptedCoding, type Coding } from "./accept-encoding.js";
import { originalOf } from "./etag.js";
import { fieldIn, varyingOn, withFields, withoutFields } from "./field-list.js";
import { replacedPlan } from "./replaced-plan.js";

/** Up to here compressing costs less than handing it to another thread. */
const SYNCHRONOUS_BYTES = 16_384;
/** What answers are made for once: the levels at which time and size balance. */
const BROTLI = { params: { [zlib.BROTLI_PARAM_QUALITY]: 4 } };
const GZIP = { level: 6 };
/** Each chunk leaves when it is written: a stream may pause for hours. */
const BROTLI_STREAM = { ...BROTLI, flush: zlib.BROTLI_OPERATION_FLUSH };
const GZIP_STREAM = { ...GZIP, flush: zlib.Z_SYNC_FLUSH };

const COMPRESSIBLE =
  /^(?:text\/|[^;]*\+(?:json|xml)\b|application\/(?:json|xml|javascript|wasm|x-ndjson|problem\+json)|image\/(?:svg\+xml|bmp))/i;

const brotliLater = promisify(brotliCompress);
const gzipLater = promisify(gzip);

const LENGTH = new Set(["content-length"]);

/**
 * The plan with its bytes or stream compressed, when the client takes it and it is worth it: text and its kin, not coded
 * already, not `no-transform`, bytes from `minBytes` on. Files are left alone: mounts have forms of their own.
 */
export function compressed(
  request: ServerRequest,
  plan: ResponsePlan,
  minBytes: number,
): ResponsePlan | Promise<ResponsePlan> {
  const { head, body } = plan;
  const original = originalOf(plan);
  if (!mayCompress(original ?? plan, minBytes)) return plan;
  const coding = acceptedCoding(request.field(FIELD.acceptEncoding));
  const { status } = head;
  // RFC 9110 §15.4.5: a 304 guides caches by the fields that its 200 would have.
  if (original !== undefined) return replacedPlan(plan, status, chosenFields(head.fields, coding));
  if (coding === undefined) return replacedPlan(plan, status, varyingOn(head.fields, "Accept-Encoding"));
  const fields = codedFields(head.fields, coding);
  if (body.kind === "stream") {
    const chunks = request.method === "HEAD" ? body.chunks : codedStream(body.chunks, coding);
    return replacedPlan(plan, status, withoutFields(fields, LENGTH), {
      kind: "stream",
      length: undefined,
      chunks,
    });
  }
  const { bytes } = body as { bytes: Uint8Array };
  const finish = (coded: Uint8Array): ResponsePlan =>
    replacedPlan(plan, status, withFields(fields, ["Content-Length", String(coded.byteLength)]), {
      kind: "bytes",
      bytes: coded,
    });
  if (bytes.byteLength <= SYNCHRONOUS_BYTES) {
    return finish(coding === "br" ? brotliCompressSync(bytes, BROTLI) : gzipSync(bytes, GZIP));
  }
  const later = coding === "br" ? brotliLater(bytes, BROTLI) : gzipLater(bytes, GZIP);
  return later.then(finish, (error: unknown) => {
    plan.release?.();
    throw error;
  });
}

function mayCompress({ head: { status, fields }, body, upgrade }: ResponsePlan, minBytes: number): boolean {
  if (body.kind === "bytes" && body.bytes.byteLength < minBytes) return false;
  if (upgrade !== undefined || (body.kind !== "bytes" && body.kind !== "stream")) return false;
  if (status < 200 || status === 204 || status === 206 || status === 304) return false;
  if (fieldIn(fields, "content-encoding") !== undefined) return false;
  if (/\bno-transform\b/i.test(fieldIn(fields, "cache-control") ?? "")) return false;
  return COMPRESSIBLE.test(fieldIn(fields, "content-type") ?? "");
}

/** Other bytes are another representation: a strong tag becomes a weak one (RFC 9110 §8.8.1). */
function codedFields(fields: readonly string[], coding: Coding): string[] {
  return chosenFields([...fields, "Content-Encoding", coding], coding);
}

function chosenFields(fields: readonly string[], coding: Coding | undefined): string[] {
  const coded = varyingOn(fields, "Accept-Encoding");
  if (coding === undefined) return coded;
  const tag = fieldIn(fields, "etag");
  return tag?.startsWith('"') === true ? withFields(coded, ["ETag", `W/${tag}`]) : coded;
}

/** A stream that can be destroyed at any time, and takes its source along. */
function codedStream(chunks: AsyncIterable<Uint8Array>, coding: Coding): Transform {
  const coder = coding === "br" ? createBrotliCompress(BROTLI_STREAM) : createGzip(GZIP_STREAM);
  // Errors come out of the coder, where the sender reads.
  pipeline(chunks instanceof Readable ? chunks : Readable.from(chunks), coder, () => {});
  return coder;
}
