export { ChunkedDecoder } from "./chunked/decoder.js";
export {
  CHUNK_END,
  CHUNK_HEAD_BYTES_MAX,
  chunkHead,
  encodeLastChunk,
  LAST_CHUNK,
  writeChunkHead,
} from "./chunked/encoder.js";
export { FORBIDDEN_TRAILERS } from "./chunked/trailers.js";
export {
  ERROR,
  HeadWriteError,
  Http1Error,
  Http1OptionError,
  PARSE_ERRORS,
  type ParseError,
  type ParseErrorName,
  type ParseErrorStatus,
  parseErrorOf,
} from "./errors.js";
export { FieldTable } from "./field-table.js";
export { isAuthority } from "./framing/host.js";
export type { TargetForm } from "./framing/target.js";
export { CHUNKED_LIMITS, type ChunkedLimits, HEAD_LIMITS, type HeadLimits } from "./options.js";
export type {
  FileSegment,
  PackedLead,
  PackedResponse,
  PlanBody,
  PlanFile,
  PlanMount,
  PlanRequest,
  ResponsePlan,
  SharedMemory,
  SharedPart,
  Tunnel,
  TunnelHandler,
} from "./plan.js";
export { type LenientOptions, RELAXATIONS, type Relaxation } from "./relaxations.js";
export { type ReplyContent, ReplyHead } from "./reply-head.js";
export { RequestHead } from "./request-head.js";
export { ResponseHead } from "./response-head.js";
export { createScanner, type ScannerOptions } from "./scan/create-scanner.js";
export { type HeadScanner, SCAN_FENCE_BYTES, SCANNER_BYTES, type ScannerKind } from "./scan/scanner.js";
export { isSimdSupported } from "./scan/simd-scanner.js";
export type { ScannerMemory } from "./scan/webassembly.js";
export { DateClock } from "./serialize/date-clock.js";
export { checkField, fieldLines } from "./serialize/field-check.js";
export { type HeadFraming, NO_LENGTH, UNCLEAR_LENGTH } from "./serialize/head-framing.js";
export { httpDate, parseHttpDate } from "./serialize/http-date.js";
export { encodeInterim } from "./serialize/interim.js";
export { statusLine } from "./serialize/status-line.js";
export { FIELD, FIELD_NAMES, type FieldId, fieldIdOf, UNKNOWN_FIELD } from "./tables/fields.js";
export { METHOD, METHOD_NAMES, type MethodId } from "./tables/methods.js";
export { REASON_PHRASES } from "./tables/status.js";
