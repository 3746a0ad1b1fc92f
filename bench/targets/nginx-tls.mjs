import { runAlone } from "./run/alone.mjs";
import { CIPHERS, certificateIn, missingOpenssl } from "./run/certificate.mjs";
import { nginxTarget } from "./run/nginx.mjs";

const nginx = nginxTarget({
  name: "nginx-tls",
  about: "one worker, TLS with session tickets, HTTP/2, open_file_cache, reuseport",
  listen: "ssl http2",
  http: ({ work }) => {
    const { cert, key } = certificateIn(work);
    return [
      "open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;",
      `ssl_certificate ${cert}; ssl_certificate_key ${key};`,
      "ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers off; ssl_session_cache none;",
      `ssl_ciphers ${CIPHERS}; ssl_ecdh_curve X25519:prime256v1:secp384r1;`,
      // Small answers leave at once: nginx's advice for latency, and less to allocate.
      "ssl_buffer_size 4k;",
    ].join("\n  ");
  },
});

/** @type {import("../harness/target.ts").Target} */
export const target = {
  ...nginx,
  probe: () => {
    const missing = missingOpenssl();
    return missing === undefined ? nginx.probe() : { missing };
  },
};

runAlone(import.meta, target);
