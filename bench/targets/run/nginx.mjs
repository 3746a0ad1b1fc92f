import { writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { probeProgram } from "./program.mjs";

// As nginx's documentation recommends for speed: sendfile, own accept queue, long keep-alive.
const configuration = ({ port, root, work }, { http, listen, server }) => `
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
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
  keepalive_timeout 600;
  client_body_temp_path ${work}/nginx-body;
  proxy_temp_path ${work}/nginx-proxy;
  fastcgi_temp_path ${work}/nginx-fastcgi;
  uwsgi_temp_path ${work}/nginx-uwsgi;
  scgi_temp_path ${work}/nginx-scgi;
  types { text/css css; text/html html; text/javascript js; }
  ${http}
  server { listen 127.0.0.1:${port} reuseport ${listen}; root ${root}; ${server} }
}
`;

/**
 * nginx with one worker.
 * @param {{ name: string, about: string, http?: (serving: import("../../harness/target.ts").Serving) => string, listen?: string, server?: (serving: import("../../harness/target.ts").Serving) => string }} variant
 * @returns {import("../../harness/target.ts").Target}
 */
export const nginxTarget = ({ name, about, http = () => "", listen = "", server = () => "" }) => ({
  name,
  about,
  probe: () => probeProgram("nginx", ["-v"], "nginx-light"),
  command(serving) {
    const file = join(serving.work, `${name}.conf`);
    writeFileSync(file, configuration(serving, { http: http(serving), listen, server: server(serving) }));
    return ["nginx", "-p", serving.work, "-e", join(serving.work, `${name}.err`), "-c", file];
  },
});
