import { runAlone } from "./run/alone.mjs";
import { nginxTarget } from "./run/nginx.mjs";

/** As its documentation of WebSocket proxying says, with buffers as large as a read of the others. */
export const target = nginxTarget({
  name: "nginx-proxy",
  about: "nginx, one worker, proxy_pass with Upgrade, proxy_buffer_size 64k",
  server: ({ upstreamPort }) => `
    location / {
      proxy_pass http://127.0.0.1:${upstreamPort};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_read_timeout 600s;
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
      proxy_busy_buffers_size 128k;
    }`,
});

runAlone(import.meta, target);
