import { writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { runAlone } from "./run/alone.mjs";
import { probeProgram } from "./run/program.mjs";

const configuration = ({ port, root, work }) => `
num-threads: 1
user: ${userInfo().username}
pid-file: ${work}/h2o.pid
error-log: ${work}/h2o.err
max-connections: 20000
http1-request-timeout: 60
listen:
  host: 127.0.0.1
  port: ${port}
hosts:
  default:
    paths:
      "/":
        file.dir: ${root}
        file.send-gzip: OFF
`;

/** @type {import("../harness/target.ts").Target} */
export const target = {
  name: "h2o",
  about: "one thread",
  probe: () => probeProgram("h2o", ["--version"], "h2o"),
  command(serving) {
    const file = join(serving.work, "h2o.conf");
    writeFileSync(file, configuration(serving));
    return ["h2o", "-m", "worker", "-c", file];
  },
};

runAlone(import.meta, target);
