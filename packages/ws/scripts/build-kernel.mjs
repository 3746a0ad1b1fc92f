// Compiles src/kernel.as.ts and embeds the result as base64 in src/kernel.bytes.ts.
// `node scripts/build-kernel.mjs --check` compiles and fails when the embedded bytes are not those.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("..", import.meta.url));
const embeddedPath = `${root}src/kernel.bytes.ts`;

/** The kernel's WebAssembly module as base64, compiled from the source in this tree. */
export async function compileKernel() {
  let binary;
  const { error, stderr } = await asc.main(
    [
      "src/kernel.as.ts",
      "-O3",
      "--enable",
      "simd",
      "--runtime",
      "stub",
      "--noAssert",
      "--importMemory",
      "--initialMemory",
      "1",
      "--outFile",
      "kernel.wasm",
    ],
    {
      readFile: (name, base) => {
        try {
          return readFileSync(`${base === "." ? root : `${base}/`}${name}`, "utf8");
        } catch {
          return null;
        }
      },
      writeFile: (name, contents) => {
        if (name === "kernel.wasm") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`the kernel does not compile: ${stderr.toString()}`, { cause: error });
  return Buffer.from(binary).toString("base64");
}

export function embeddingOf(base64) {
  return `// Made by scripts/build-kernel.mjs from kernel.as.ts: do not edit.\nexport const KERNEL_BASE64 =\n  "${base64}";\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = embeddingOf(await compileKernel());
  if (!process.argv.includes("--check")) writeFileSync(embeddedPath, text);
  else if (readFileSync(embeddedPath, "utf8") !== text) {
    console.error("src/kernel.bytes.ts is stale: run scripts/build-kernel.mjs");
    process.exit(1);
  }
}
