import { nodeTarget } from "./run/node-target.mjs";
import { serveFiles } from "./tz-files.mjs";

export const target = nodeTarget(import.meta, {
  name: "tz-files-stats",
  about: "the same with `stats: { paths: true }`",
  version: `Node ${process.versions.node}`,
  serve: serveFiles({ stats: { paths: true } }),
});
