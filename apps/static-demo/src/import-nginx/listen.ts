/** Where a server listens. */
import type { Directive } from "./directive.js";
import type { Report } from "./report.js";

export interface ListenAddress {
  readonly host: string;
  /** `undefined` for a Unix socket. */
  readonly port: number | undefined;
  readonly isSecure: boolean;
  readonly isHttp2: boolean;
}

/** What else may stand there and changes nothing for files. */
const WITHOUT_MEANING =
  /^(?:default_server|default|reuseport|deferred|bind|http2|ssl|ipv6only=(?:on|off)|(?:backlog|rcvbuf|sndbuf|fastopen|so_keepalive|accept_filter|setfib)=.*)$/;

/** `undefined` when it was refused. */
export function readListen(directive: Directive, report: Report): ListenAddress | undefined {
  const [address = "", ...flags] = directive.args;
  const unknown = flags.find((flag) => !WITHOUT_MEANING.test(flag));
  if (unknown !== undefined) {
    const what =
      unknown === "proxy_protocol"
        ? "tz-static does not read it; say proxyProtocol: true with @tz/server"
        : unknown === "quic"
          ? "there is no HTTP/3; leave this line out"
          : `${unknown} is not known here; leave it out`;
    report.refuse(directive, what);
    return undefined;
  }
  const isSecure = flags.includes("ssl");
  const isHttp2 = flags.includes("http2");
  if (address.startsWith("unix:"))
    return { host: address.slice("unix:".length), port: undefined, isSecure, isHttp2 };
  const [, host, port] = /^(?:(\[[\da-f:.]+\]|[^:]*):)?(\d+)$/i.exec(address) ?? [];
  if (port === undefined) {
    const only = /^\[.*\]$|^[\w.*-]+$/.test(address);
    if (only) return { host: bare(address), port: 80, isSecure, isHttp2 };
    report.refuse(directive, "takes an address, a port or both");
    return undefined;
  }
  return { host: bare(host ?? "*"), port: Number(port), isSecure, isHttp2 };
}

function bare(host: string): string {
  return host === "*" || host === "" ? "0.0.0.0" : host.replace(/^\[(.*)\]$/, "$1");
}

/** The one address that stands for all of a server's; `undefined` when there is none. */
export function commonHost(hosts: readonly string[]): string | undefined {
  const different = new Set(hosts);
  // A socket on [::] takes IPv4 too.
  if (different.has("::") && [...different].every((host) => host === "::" || host === "0.0.0.0")) return "::";
  return different.size === 1 ? hosts[0] : undefined;
}
