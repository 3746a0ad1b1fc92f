import { parseArgs } from "node:util";

/**
 * A target that is its own server: the same file is what the bench starts and what runs alone.
 * @param {ImportMeta} meta
 * @param {{ name: string, about: string, version: string, serve(serving: { port: number, root: string, upstreamPort: number }): void }} server
 * @returns {import("../../harness/target.ts").Target}
 */
export function nodeTarget(meta, { name, about, version, serve }) {
  if (process.argv[1] === meta.filename) {
    const { values } = parseArgs({
      options: {
        port: { type: "string", default: "8005" },
        root: { type: "string", default: "." },
        upstream: { type: "string", default: "8006" },
      },
    });
    serve({ port: Number(values.port), root: values.root, upstreamPort: Number(values.upstream) });
  }
  return {
    name,
    about,
    probe: () => ({ version }),
    command: ({ port, root, upstreamPort }) => [
      process.execPath,
      meta.filename,
      "--port",
      String(port),
      "--root",
      root,
      ...(upstreamPort === undefined ? [] : ["--upstream", String(upstreamPort)]),
    ],
  };
}
