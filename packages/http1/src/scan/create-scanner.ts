import { Http1OptionError } from "../errors.js";
import { PlainScanner } from "./plain-scanner.js";
import { type HeadScanner, SCANNER_BYTES, type ScannerKind } from "./scanner.js";
import { isSimdSupported, SimdScanner } from "./simd-scanner.js";
import { TABLE_LENGTH } from "./table.js";
import { PAGE_BYTES, type ScannerMemory, webAssembly } from "./webassembly.js";

export interface ScannerOptions {
  /** Scan in place in this `WebAssembly.Memory`: no copy for the SIMD scanner. */
  memory?: ScannerMemory;
  /** Scan in place in these bytes; plain scanner only. */
  bytes?: Uint8Array;
  /** With `memory`: where SCANNER_BYTES bytes lie that only the scanner uses; a multiple of 16. */
  tableOffset?: number;
  /** `auto` (the default) takes SIMD where it is there. */
  kind?: ScannerKind | "auto";
}

const OPTIONS = ["memory", "bytes", "tableOffset", "kind"];
const KINDS = ["simd", "plain", "auto"];

/**
 * Makes a scanner over a `WebAssembly.Memory` (`memory`, `tableOffset`) or over given `bytes`. With neither, it
 * has a memory of its own, of which the first 64 KiB and a fence are the caller's to copy heads into.
 *
 * @throws {Http1OptionError} when an option is unknown, when options contradict each other, when the table does
 *   not fit, or when SIMD is asked for and missing
 */
export function createScanner(options: ScannerOptions = {}): HeadScanner {
  const { memory, bytes, kind = "auto" } = options;
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name))
      throw new Http1OptionError(name, `Unknown option ${name}; known are ${OPTIONS.join(", ")}`);
  }
  if (!KINDS.includes(kind))
    throw new Http1OptionError("kind", `kind is ${String(kind)}; it must be one of ${KINDS.join(", ")}`);
  if (memory !== undefined && bytes !== undefined) {
    throw new Http1OptionError("bytes", "bytes and memory are both given; a scanner works in one of them");
  }
  const simd = canUseSimd(options);
  if (kind === "simd" && simd !== true) throw new Http1OptionError("kind", `kind is simd, but ${simd}`);

  if (kind === "plain" || simd !== true) {
    if (memory === undefined)
      return new PlainScanner(bytes ?? new Uint8Array(PAGE_BYTES), new Uint16Array(TABLE_LENGTH));
    return new PlainScanner(
      new Uint8Array(memory.buffer),
      new Uint16Array(memory.buffer, checkedOffset(options), TABLE_LENGTH),
    );
  }
  if (memory !== undefined) return new SimdScanner(memory, checkedOffset(options));
  // 64 KiB for heads, then the fence and, at the end, the table.
  return new SimdScanner(new webAssembly!.Memory({ initial: 2, maximum: 2 }), 2 * PAGE_BYTES - SCANNER_BYTES);
}

/** `true`, or why not. */
function canUseSimd({ memory, bytes }: ScannerOptions): true | string {
  if (bytes !== undefined) return "bytes lie outside of a WebAssembly memory";
  if (memory !== undefined && !(memory.buffer instanceof ArrayBuffer)) return "the memory is shared";
  return isSimdSupported() || "this Node has no WebAssembly SIMD";
}

function checkedOffset({ memory, tableOffset = 0 }: ScannerOptions): number {
  const max = memory!.buffer.byteLength - SCANNER_BYTES;
  if (!Number.isSafeInteger(tableOffset) || tableOffset < 0 || tableOffset % 16 !== 0 || tableOffset > max) {
    throw new Http1OptionError(
      "tableOffset",
      `tableOffset is ${tableOffset}; it must be a multiple of 16 from 0 to ${max} (bytes)`,
    );
  }
  return tableOffset;
}
