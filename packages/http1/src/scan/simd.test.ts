import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileSimdModule, simdModuleSource } from "../../scripts/simd-module.js";
import { FIELDS_MAX } from "../options.js";
import {
  FIELD_HASH_LETTERS,
  FIELD_HASH_SHAPE,
  FIELD_HASH_SHIFT,
  FIELD_HASH_SLOTS,
} from "../tables/field-hash.generated.js";
import { createScanner } from "./create-scanner.js";
import { SCANNER_BYTES } from "./scanner.js";
import { NAME_BYTES, NAMES_OFFSET, SLOTS_OFFSET } from "./simd-scanner.js";
import * as T from "./table.js";
import { webAssembly } from "./webassembly.js";

const kernel = readFileSync(new URL("./simd.as.ts", import.meta.url), "utf8");

function constant(name: string): number {
  return Number(new RegExp(`^const ${name}: \\w+ = (\\w+);`, "m").exec(kernel)?.[1]);
}

test("the embedded module is what the compiler makes of simd.as.ts", { timeout: 240_000 }, async () => {
  const embedded = readFileSync(new URL("./simd.generated.ts", import.meta.url), "utf8");
  // The formatter may break lines elsewhere; the bytes are what counts.
  const letters = (source: string) =>
    source
      .match(/"[A-Za-z0-9+/=]+"/g)
      ?.join("")
      .replaceAll('"', "");
  expect(letters(embedded)).toBe(letters(simdModuleSource(await compileSimdModule())));
});

test("the kernel's layout is the table's", () => {
  const twoBytes = {
    COUNT: T.COUNT,
    METHOD_START: T.METHOD_START,
    METHOD_END: T.METHOD_END,
    TARGET_START: T.TARGET_START,
    TARGET_END: T.TARGET_END,
    MINOR_VERSION: T.MINOR_VERSION,
    MASK: T.MASK,
    REPEATED: T.REPEATED,
    LAST_LINE: T.LAST_LINE,
    HINTS: T.HINTS,
    LINE_INDEX: T.LINE_INDEX,
    RECORDS: T.RECORDS,
    RECORD_BYTES: T.RECORD_SIZE,
  };
  for (const [name, index] of Object.entries(twoBytes))
    expect([name, constant(name)]).toEqual([name, index * 2]);
  expect([constant("HINT_GET"), constant("HINT_HOST")]).toEqual([T.HINT_GET, T.HINT_HOST]);
  expect(constant("FIELDS_MAX")).toBe(FIELDS_MAX);
  expect(constant("SLOTS")).toBe(SLOTS_OFFSET);
  expect(constant("NAMES")).toBe(NAMES_OFFSET);
  expect([constant("HASH_LETTERS"), constant("HASH_SHAPE"), constant("HASH_SHIFT")]).toEqual([
    FIELD_HASH_LETTERS,
    FIELD_HASH_SHAPE,
    FIELD_HASH_SHIFT,
  ]);
  expect(SLOTS_OFFSET).toBeGreaterThanOrEqual(T.TABLE_LENGTH * 2);
  expect(NAMES_OFFSET).toBeGreaterThanOrEqual(SLOTS_OFFSET + FIELD_HASH_SLOTS);
  expect(SCANNER_BYTES).toBeGreaterThanOrEqual(NAMES_OFFSET + 256 * NAME_BYTES);
});

test("the scanner writes nothing outside of its region and reads heads in place", () => {
  const memory = new webAssembly!.Memory({ initial: 2, maximum: 2 });
  const bytes = new Uint8Array(memory.buffer);
  const at = 4096;
  bytes.fill(0xa5);
  const scanner = createScanner({ memory, tableOffset: at, kind: "simd" });
  const head = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n");
  bytes.set(head, 100_000);
  expect(scanner.scan(100_000, 100_000 + head.length)).toBe(head.length);
  expect(bytes.subarray(0, at).every((byte) => byte === 0xa5)).toBe(true);
  expect(bytes.subarray(at + SCANNER_BYTES, 100_000).every((byte) => byte === 0xa5)).toBe(true);
  expect(bytes.subarray(100_000 + head.length).every((byte) => byte === 0xa5)).toBe(true);
});

test("options are checked", () => {
  const memory = new webAssembly!.Memory({ initial: 1, maximum: 1 });
  expect(() => createScanner({ memory, tableOffset: 8 })).toThrow("multiple of 16 from 0 to 49152");
  expect(() => createScanner({ memory, tableOffset: 49_168 })).toThrow("tableOffset is 49168");
  expect(() => createScanner({ memory, bytes: new Uint8Array(8) })).toThrow("both");
  expect(() => createScanner({ bytes: new Uint8Array(8), kind: "simd" })).toThrow(
    "outside of a WebAssembly memory",
  );
  expect(() => createScanner({ kind: "fast" as "simd" })).toThrow("one of simd, plain, auto");
  expect(() => createScanner({ size: 3 } as object)).toThrow("Unknown option size");
  expect(createScanner().kind).toBe("simd");
  expect(createScanner({ kind: "plain" }).kind).toBe("plain");
  expect(createScanner({ memory, kind: "plain" }).bytes.buffer).toBe(memory.buffer);
});
