import { createServer } from "@tz/server";
import { staticMount } from "@tz/static";
import { nodeTarget } from "./run/node-target.mjs";

/** @param {import("@tz/server").ServerOptions} options */
export const serveFiles =
  (options) =>
  ({ port, root }) => {
    const app = createServer({ loop: "epoll", ...options }).mount(staticMount("/", root));
    app.listen({ host: "127.0.0.1", port });
    for (const signal of ["SIGINT", "SIGTERM"]) {
      process.once(signal, () => app.close({ timeoutMs: 2000 }).then(() => process.exit(0)));
    }
  };

export const target = nodeTarget(import.meta, {
  name: "tz-files",
  about: "this project's files, epoll loop",
  version: `Node ${process.versions.node}`,
  serve: serveFiles({}),
});
