import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runAlone } from "./run/alone.mjs";
import { probeProgram } from "./run/program.mjs";

const configuration = ({ port, root, work }) => `{
  admin off
  auto_https off
  storage file_system ${work}/caddy
}
http://127.0.0.1:${port} {
  root * ${root}
  file_server
}
`;

/** @type {import("../harness/target.ts").Target} */
export const target = {
  name: "caddy",
  about: "file_server, no logs",
  probe: () => probeProgram("caddy", ["version"], "caddy"),
  command(serving) {
    const file = join(serving.work, "Caddyfile");
    writeFileSync(file, configuration(serving));
    return [
      "env",
      "GOMAXPROCS=1",
      `HOME=${serving.work}`,
      "caddy",
      "run",
      "--adapter",
      "caddyfile",
      "--config",
      file,
    ];
  },
};

runAlone(import.meta, target);
