import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { CloudtermError, shown } from "../errors.js";

/** Addresses that are not of the public Internet (RFC 6890), so nothing that a stranger names may lead there. */
const SPECIAL: readonly (readonly [network: string, prefix: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
  ["::", 128],
  ["::1", 128],
  ["::ffff:0:0", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
];

export interface UpstreamPolicy {
  /**
   * Addresses and networks that upstreams may have beside those of the public Internet: `["127.0.0.1", "10.0.0.0/8"]`.
   * Default: none.
   */
  readonly allow?: readonly string[] | undefined;
}

/** Where requests go. */
export interface Upstream {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Path and query of the URL; ends with `/` only when the URL's path does. */
  readonly path: string;
  /** What the upstream sees as `Host`. */
  readonly authority: string;
}

/**
 * Judges upstreams: their URLs when they are named, their addresses when they are connected to. Names are resolved once
 * and the address that was judged is the one that is used, so a name server cannot answer twice.
 */
export class UpstreamGuard {
  readonly #special = new BlockList();
  readonly #allowed = new BlockList();

  /** @throws CloudtermError `TZ_CLOUDTERM_OPTION` */
  constructor({ allow = [] }: UpstreamPolicy = {}) {
    for (const [network, prefix] of SPECIAL) this.#special.addSubnet(network, prefix, familyOf(network));
    for (const entry of allow) {
      const [network = "", prefix] = entry.split("/");
      const family = isIP(network);
      const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
      if (family === 0 || !/^\d{1,3}$/.test(prefix ?? "0") || bits > (family === 4 ? 32 : 128)) {
        throw new CloudtermError(
          "TZ_CLOUDTERM_OPTION",
          `allow has ${shown(entry)}; allowed: an address, or a network as 10.0.0.0/8`,
        );
      }
      this.#allowed.addSubnet(network, bits, familyOf(network));
    }
  }

  /**
   * Reads a URL, strictly: scheme ws, wss, http or https, no user, no password, no fragment.
   * @throws CloudtermError `TZ_CLOUDTERM_REQUEST`
   */
  parse(text: string): Upstream {
    // A URL parser forgives much: "http:/\\a", tabs, "http://80@evil". What it would have to change is no upstream.
    const plain =
      /^(wss?|https?):\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(\/[\x21\x24-\x5b\x5d-\x7e]*)?$/i;
    const match = plain.exec(text);
    if (match === null || !URL.canParse(text)) throw refused(text, "a ws:, wss:, http: or https: URL");
    const url = new URL(text);
    const secure = url.protocol === "wss:" || url.protocol === "https:";
    const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
    if (port === 0) throw refused(text, "a port from 1 to 65535");
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    if (isIP(host) !== 0 && !this.allows(host)) throw refused(text, "an address that may be reached");
    const standard = port === (secure ? 443 : 80);
    return {
      secure,
      host,
      port,
      path: `${url.pathname}${url.search}`,
      authority: standard ? url.hostname : `${url.hostname}:${port}`,
    };
  }

  /** Whether an IP address may be connected to. */
  allows(address: string): boolean {
    const family = isIP(address);
    if (family === 0) return false;
    const name = family === 4 ? "ipv4" : "ipv6";
    if (this.#allowed.check(address, name)) return true;
    const inner = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
    if (inner !== undefined) return this.allows(inner);
    return !this.#special.check(address, name);
  }

  /** For sockets: resolves a name and gives only addresses that may be connected to. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      const allowed = error === null ? addresses.filter(({ address }) => this.allows(address)) : [];
      const first = allowed[0];
      if (error !== null) callback(error, "", 4);
      else if (first === undefined) callback(refused(host, "a name whose address may be reached"), "", 4);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}

function refused(given: string, allowed: string): CloudtermError {
  return new CloudtermError("TZ_CLOUDTERM_REQUEST", `the upstream ${shown(given)}; allowed: ${allowed}`);
}
