import { spawn } from "node:child_process";
import { createServer } from "@tz/server";
import { staticMount } from "@tz/static";
import { nodeTarget } from "./run/node-target.mjs";

/** Says to this file that it is one of the two. */
const MEMBER = "TZ_PAIR_MEMBER";

export const target = nodeTarget(import.meta, {
  name: "tz-pair",
  about: "this project, two processes that know nothing of each other, on one port",
  version: `Node ${process.versions.node}`,
  async serve({ port, root }) {
    let end;
    if (process.env[MEMBER] === undefined) {
      const args = [import.meta.filename, "--port", String(port), "--root", root];
      const env = { ...process.env, [MEMBER]: "1" };
      const members = [0, 1].map(() => spawn(process.execPath, args, { env, stdio: "inherit" }));
      end = () => {
        for (const member of members) member.kill();
        process.exit(0);
      };
    } else {
      const app = createServer({ loop: "epoll" });
      app.mount(staticMount("/", root));
      await app.listen({ host: "127.0.0.1", port, reusePort: true });
      end = () => app.close({ timeoutMs: 2000 }).then(() => process.exit(0));
    }
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, end);
  },
});
