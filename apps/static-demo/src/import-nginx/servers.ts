/** The `server` blocks of a configuration, and the one that is converted. */
import type { Directive } from "./directive.js";
import { type ListenAddress, readListen } from "./listen.js";
import { Report } from "./report.js";

export interface ServerBlock {
  readonly directive: Directive;
  readonly names: readonly string[];
  readonly directives: readonly Directive[];
}

/** What surrounds the servers, and they themselves. A file of `sites-available` has servers only. */
export function findServers(top: readonly Directive[]): {
  readonly http: readonly Directive[];
  readonly servers: readonly ServerBlock[];
} {
  const http = top.flatMap((each) => (each.name === "http" ? (each.block ?? []) : [each]));
  const servers = http
    .filter(({ name, block }) => name === "server" && block !== undefined)
    .map((directive) => {
      const directives = directive.block ?? [];
      const names = directives.filter(({ name }) => name === "server_name").flatMap(({ args }) => args);
      return { directive, names, directives };
    });
  return { http: http.filter(({ name, block }) => name !== "server" || block === undefined), servers };
}

/** A server that does nothing but send clients to HTTPS, with the port that it does so on. */
export function redirectPort({ directives }: ServerBlock): number | undefined {
  const meaningful = directives.filter(
    ({ name }) => !["listen", "server_name", "access_log", "error_log", "server_tokens"].includes(name),
  );
  const toHttps = meaningful.filter(isToHttps);
  // certbot leaves `return 404` behind its conditions.
  const isRest404 = meaningful.every(
    (each) => isToHttps(each) || (each.name === "return" && each.args[0] === "404"),
  );
  return toHttps.length > 0 && isRest404 ? (listens(directives)[0]?.port ?? 80) : undefined;
}

/** `return 301 https://$host$request_uri`, perhaps for one host only, perhaps for `location /`. */
export function isToHttps({ name, args, block }: Directive): boolean {
  if (name === "return") {
    return (
      args.length === 2 && /^30[1278]$/.test(args[0]!) && /^https:\/\/[\w$.-]+\$request_uri$/.test(args[1]!)
    );
  }
  if (name === "rewrite") return /^\^ https:\/\/[\w$.-]+\$request_uri\??( permanent)?$/.test(args.join(" "));
  const isForAll =
    (name === "if" && /^\(\$host = [\w.-]+\)$/.test(args.join(" "))) ||
    (name === "location" && args.join() === "/");
  return isForAll && block?.length === 1 && isToHttps(block[0]!);
}

/** A server that sends clients elsewhere, and has no files. */
export function isRedirectOnly({ directives }: ServerBlock): boolean {
  return (
    directives.some(({ name, args }) => name === "return" && args[0]?.startsWith("30")) &&
    !directives.some(({ name }) => name === "root" || name === "location")
  );
}

function listens(directives: readonly Directive[]): ListenAddress[] {
  const quiet = new Report();
  return directives
    .filter(({ name }) => name === "listen")
    .flatMap((directive) => readListen(directive, quiet) ?? []);
}
