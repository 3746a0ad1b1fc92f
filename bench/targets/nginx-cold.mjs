import { runAlone } from "./run/alone.mjs";
import { nginxTarget } from "./run/nginx.mjs";

export const target = nginxTarget({ name: "nginx-cold", about: "one worker, no open_file_cache, sendfile" });

runAlone(import.meta, target);
