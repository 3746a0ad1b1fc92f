import { BlockList, isIP } from "node:net";
import { CloudtermError, shown } from "../errors.js";
import { userName } from "./user.js";

export interface TrustedHeaderOptions {
  /** Field that names the user: `Remote-User`. */
  readonly header: string;
  /** Peers that are believed: addresses, networks as `10.0.0.0/8`, `loopback`, `private`. Not empty. */
  readonly peers: readonly string[];
}

/** A request as its peer sent it: what proxies say of further clients does not count here. */
export interface HeaderRequest {
  /** Of the peer itself. */
  readonly remoteAddress: string;
  /** By lower-case name; lines of one name joined by a comma. */
  field(name: string): string | undefined;
}

const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1/128"],
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
};

/**
 * Logins that a proxy in front has made: it says in a field who is there. Of anybody but the listed peers the field is
 * nothing, also when a listed proxy says that it forwards for one of them.
 */
export class TrustedHeader {
  readonly #header: string;
  readonly #peers = new BlockList();

  /** @throws CloudtermError `TZ_CLOUDTERM_OPTION` */
  constructor({ header, peers }: TrustedHeaderOptions) {
    if (!/^[A-Za-z0-9-]+$/.test(header)) {
      throw wrong("header", header, "the name of a field, as Remote-User");
    }
    if (peers.length === 0) throw wrong("peers", peers, "one address or more");
    this.#header = header.toLowerCase();
    for (const peer of peers.flatMap((each) => NAMED[each] ?? [each])) {
      const [address = "", prefix] = peer.split("/");
      const family = isIP(address);
      const longest = family === 4 ? 32 : 128;
      const bits = prefix === undefined ? longest : Number(prefix);
      if (family === 0 || !/^\d{1,3}$/.test(prefix ?? "0") || bits > longest)
        throw wrong("peers", peer, "an address, a network as 10.0.0.0/8, loopback, private");
      this.#peers.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
    }
  }

  isTrusted(remoteAddress: string): boolean {
    const address = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteAddress)?.[1] ?? remoteAddress;
    const family = isIP(address);
    return family !== 0 && this.#peers.check(address, family === 4 ? "ipv4" : "ipv6");
  }

  /**
   * Who a listed peer says is there; `undefined` when nobody is named.
   * @throws CloudtermError `TZ_CLOUDTERM_LOGIN` when a listed peer names something that is no user name, or two: one of
   *   them may have come from the client
   */
  userOf(request: HeaderRequest): string | undefined {
    if (!this.isTrusted(request.remoteAddress)) return undefined;
    const value = request.field(this.#header);
    if (value === undefined || value === "") return undefined;
    const name = userName(value);
    if (name === undefined)
      throw new CloudtermError(
        "TZ_CLOUDTERM_LOGIN",
        `${this.#header} is ${shown(value)}, which is no user name`,
      );
    return name;
  }
}

function wrong(name: string, value: unknown, allowed: string): CloudtermError {
  return new CloudtermError(
    "TZ_CLOUDTERM_OPTION",
    `trustedHeader: ${name} is ${shown(value)}; allowed: ${allowed}`,
  );
}
