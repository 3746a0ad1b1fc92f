import { runAlone } from "./run/alone.mjs";
import { nginxTarget } from "./run/nginx.mjs";

export const target = nginxTarget({
  name: "nginx",
  about: "one worker, open_file_cache, sendfile, reuseport",
  http: () => "open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;",
});

runAlone(import.meta, target);
