import { plainKernel, simdKernel } from "../src/kernel.js";
import { maskBytes } from "../src/mask.js";
import { webAssembly } from "../src/webassembly.js";
import { check, compare, gigabytes, table } from "./measure.js";

const KEY = 0x12345678;
/** Behind a frame's head, where payloads lie. */
const START = 6;

export async function benchMask(): Promise<void> {
  const memory = new webAssembly!.Memory({ initial: 4, maximum: 4 });
  const simd = simdKernel(memory)!;
  const plain = plainKernel(new ArrayBuffer(65536));
  const staged = Buffer.from(memory.buffer);
  const bytes = Buffer.alloc(65536);
  const rows: string[][] = [];
  for (const size of [16, 125, 1024, 16384]) {
    const elsewhere = Buffer.alloc(size, "x");
    const expected = Buffer.from(elsewhere);
    maskBytes(expected, 0, size, KEY);
    staged.set(elsewhere, START);
    simd.mask(START, START + size, KEY);
    check(staged.subarray(START, START + size).equals(expected), "the kernel masks wrongly");
    const operations = Math.max(100, Math.floor(4e6 / size));
    const repeat = (work: () => unknown) => () => {
      for (let i = 0; i < operations; i++) work();
    };
    const figures = await compare([
      { name: "in place", operations, run: repeat(() => simd.mask(START, START + size, KEY)) },
      {
        name: "copied in",
        operations,
        run: repeat(() => {
          staged.set(elsewhere, START);
          simd.mask(START, START + size, KEY);
        }),
      },
      { name: "plain words", operations, run: repeat(() => plain.mask(START, START + size, KEY)) },
      { name: "byte by byte", operations, run: repeat(() => maskBytes(bytes, START, START + size, KEY)) },
    ]);
    rows.push([`${size} B`, ...figures.map(({ nsPerOperation }) => gigabytes(size, nsPerOperation))]);
  }
  table(
    "Masking",
    ["payload", "SIMD kernel, in place", "SIMD kernel, copied in first", "plain words", "byte by byte"],
    rows,
  );
}
