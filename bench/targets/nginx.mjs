import { writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { runAlone } from "./run/alone.mjs";
import { probeProgram } from "./run/program.mjs";

// As nginx's documentation recommends for speed: open files cached, sendfile, own accept queue, long keep-alive.
const configuration = ({ port, root, work }) => `
daemon off;
worker_processes 1;
${userInfo().uid === 0 ? "user root;" : ""}
pid ${work}/nginx.pid;
error_log ${work}/nginx.err;
events { worker_connections 20000; multi_accept on; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_requests 100000000;
  keepalive_timeout 60;
  open_file_cache max=1000 inactive=60s;
  open_file_cache_valid 60s;
  client_body_temp_path ${work}/nginx-body;
  proxy_temp_path ${work}/nginx-proxy;
  fastcgi_temp_path ${work}/nginx-fastcgi;
  uwsgi_temp_path ${work}/nginx-uwsgi;
  scgi_temp_path ${work}/nginx-scgi;
  types { text/css css; text/html html; text/javascript js; }
  server { listen 127.0.0.1:${port} reuseport; root ${root}; }
}
`;

/** @type {import("../harness/target.ts").Target} */
export const target = {
  name: "nginx",
  about: "one worker, open_file_cache, sendfile, reuseport",
  probe: () => probeProgram("nginx", ["-v"], "nginx-light"),
  command(serving) {
    const file = join(serving.work, "nginx.conf");
    writeFileSync(file, configuration(serving));
    return ["nginx", "-p", serving.work, "-e", join(serving.work, "nginx.err"), "-c", file];
  },
};

runAlone(import.meta, target);
