import { defineConfig } from "tsup";

export default defineConfig({
  entry: { cli: "src/cli.ts", config: "src/config-file/index.ts" },
  format: "esm",
  target: "node20",
  dts: { entry: { config: "src/config-file/index.ts" } },
  clean: true,
  treeshake: true,
});
