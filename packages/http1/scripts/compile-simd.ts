/** Compiles the SIMD scanner and embeds it as `src/scan/simd.generated.ts`. Part of the package's build. */
import { writeFileSync } from "node:fs";
import { compileSimdModule, simdModuleSource } from "./simd-module.js";

writeFileSync(
  new URL("../src/scan/simd.generated.ts", import.meta.url),
  simdModuleSource(await compileSimdModule()),
);
