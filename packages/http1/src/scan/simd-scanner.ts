import { CR, LF } from "../tables/bytes.js";
import { FIELD_SLOTS } from "../tables/field-hash.js";
import { FIELD_NAMES } from "../tables/fields.js";
import { scanRequestPlain } from "./plain.js";
import { scanFieldLines } from "./plain-fields.js";
import { clear, TABLE_RULES } from "./rules.js";
import type { HeadScanner } from "./scanner.js";
import { SIMD_MODULE } from "./simd.generated.js";
import { COUNT, LAST_LINE, TABLE_LENGTH } from "./table.js";
import { type ScannerMemory, webAssembly } from "./webassembly.js";

/** Where the kernel's constants lie behind the table; `simd.as.ts` says the same. */
export const SLOTS_OFFSET = 5440;
export const NAMES_OFFSET = 5952;
/** A stored name: lower case, a colon, zeros. */
export const NAME_BYTES = 32;

interface Kernel {
  init(region: number): void;
  scan(start: number, end: number): number;
  scanFields(start: number, from: number, end: number): number;
}

let compiled: object | undefined | null;

/** The module, compiled once; `null` where WebAssembly or its SIMD instructions are missing. */
function simdModule(): object | null {
  if (compiled === undefined) {
    const binary = Buffer.from(SIMD_MODULE, "base64");
    compiled = webAssembly?.validate(binary) === true ? new webAssembly.Module(binary) : null;
  }
  return compiled;
}

export function isSimdSupported(): boolean {
  return simdModule() !== null;
}

/**
 * Scans with v128 instructions in a WebAssembly memory. What the kernel does not recognize as right goes to the
 * reference scanner, so errors are the reference's by construction.
 */
export class SimdScanner implements HeadScanner {
  readonly kind = "simd";
  readonly bytes: Uint8Array;
  readonly table: Uint16Array;
  readonly #kernel: Kernel;

  /** The memory holds SCANNER_BYTES for this scanner at `tableOffset`. Needs {@link isSimdSupported}. */
  constructor(memory: ScannerMemory, tableOffset: number) {
    this.bytes = new Uint8Array(memory.buffer);
    this.table = new Uint16Array(memory.buffer, tableOffset, TABLE_LENGTH);
    const instance = new webAssembly!.Instance(simdModule()!, { env: { memory } });
    this.#kernel = instance.exports as unknown as Kernel;
    this.bytes.set(FIELD_SLOTS, tableOffset + SLOTS_OFFSET);
    for (const [id, name] of FIELD_NAMES.entries()) {
      const stored = new Uint8Array(NAME_BYTES);
      if (name !== "") for (const [i, letter] of [...`${name}:`].entries()) stored[i] = letter.charCodeAt(0);
      this.bytes.set(stored, tableOffset + NAMES_OFFSET + id * NAME_BYTES);
    }
    // What slot 255, "unknown", points at: equal to no name.
    this.bytes.fill(
      0,
      tableOffset + NAMES_OFFSET + 255 * NAME_BYTES,
      tableOffset + NAMES_OFFSET + 256 * NAME_BYTES,
    );
    this.#kernel.init(tableOffset);
  }

  scan(start: number, end: number): number {
    const length = this.#kernel.scan(start, end);
    if (length > 0) return length;
    const line = this.table[LAST_LINE]!;
    if (length === 0 && line > 0 && this.#lastLine(start, line, end) === 0) return 0;
    return scanRequestPlain(this.bytes, this.table, start, end, TABLE_RULES);
  }

  scanFields(start: number, from: number, end: number): number {
    // The kernel looks at up to three bytes in front of a line.
    if (from >= 4 && this.bytes[from - 2] === CR && this.bytes[from - 1] === LF) {
      const length = this.#kernel.scanFields(start, from, end);
      if (length > 0) return length;
      if (length === 0 && this.#lastLine(start, this.table[LAST_LINE]!, end) === 0) return 0;
    }
    clear(this.table);
    return scanFieldLines(this.bytes, this.table, start, from, end, TABLE_RULES);
  }

  /** An incomplete head is right up to its last line; what is there of that line may be wrong already. */
  #lastLine(start: number, line: number, end: number): number {
    return scanFieldLines(this.bytes, this.table, start, start + line, end, TABLE_RULES, this.table[COUNT]!);
  }
}
