import { fileURLToPath } from "node:url";

/** What is used of the compiler. Its own declarations replace the globals of every program that reads them. */
interface AssemblyScriptCompiler {
  main(
    args: readonly string[],
    host: { writeFile(name: string, contents: Uint8Array | string): void },
  ): Promise<{ error: Error | null; stderr: { toString(): string } }>;
}
const compiler: string = "assemblyscript/asc";
const { default: asc } = (await import(compiler)) as { default: AssemblyScriptCompiler };

const source = fileURLToPath(new URL("../src/scan/simd.as.ts", import.meta.url));
const packageRoot = fileURLToPath(new URL("..", import.meta.url));

/** Compiles `src/scan/simd.as.ts`. The compiler's version is pinned, so the same source gives the same bytes. */
export async function compileSimdModule(): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    // biome-ignore format: one flag with its reason a line
    [
      source,
      "--baseDir", packageRoot,
      "--outFile", "simd.wasm",
      "--enable", "simd",
      "--runtime", "stub", // nothing is ever allocated
      "--importMemory", // heads are scanned where recv has put them
      "--noAssert",
      "-O3",
    ],
    {
      writeFile: (name: string, contents: Uint8Array | string) => {
        if (name.endsWith(".wasm")) binary = contents as Uint8Array;
      },
    },
  );
  if (error !== null || binary === undefined)
    throw new Error(`The SIMD scanner does not compile: ${stderr.toString()}`, { cause: error });
  return binary;
}

/** The text of `src/scan/simd.generated.ts`. */
export function simdModuleSource(binary: Uint8Array): string {
  const lines =
    Buffer.from(binary)
      .toString("base64")
      .match(/.{1,100}/g) ?? [];
  return `// Written by scripts/compile-simd.ts from simd.as.ts; do not edit.

/** The WebAssembly module of the SIMD scanner, ${binary.length} bytes in base64. */
export const SIMD_MODULE =
${lines.map((line) => `  "${line}"`).join(" +\n")};
`;
}
