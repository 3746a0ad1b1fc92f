import { defineConfig } from "tsup";

export default defineConfig({
  // The worker is a file of its own: `new Worker(new URL("./hash-worker.js", import.meta.url))`.
  entry: { index: "src/index.ts", images: "src/images/index.ts", "hash-worker": "src/digest/hash-worker.ts" },
  format: "esm",
  target: "node20",
  dts: { entry: { index: "src/index.ts", images: "src/images/index.ts" } },
  sourcemap: true,
  clean: true,
  treeshake: true,
});
