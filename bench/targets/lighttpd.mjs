import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runAlone } from "./run/alone.mjs";
import { probeProgram } from "./run/program.mjs";

const configuration = ({ port, root, work }) => `
server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${root}"
server.errorlog = "${work}/lighttpd.err"
server.event-handler = "linux-sysepoll"
server.stat-cache-engine = "simple"
server.max-fds = 20000
server.max-connections = 10000
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 60
mimetype.assign = ( ".css" => "text/css", ".html" => "text/html", ".js" => "text/javascript" )
`;

/** @type {import("../harness/target.ts").Target} */
export const target = {
  name: "lighttpd",
  about: "one process, stat cache",
  probe: () => probeProgram("lighttpd", ["-v"], "lighttpd"),
  command(serving) {
    const file = join(serving.work, "lighttpd.conf");
    writeFileSync(file, configuration(serving));
    return ["lighttpd", "-D", "-f", file];
  },
};

runAlone(import.meta, target);
