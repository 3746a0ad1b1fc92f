import { BlockList, isIP } from "node:net";
import { ServerError } from "../errors.js";

/** What is listed as `"loopback"` and `"private"`. */
const NAMED: { readonly [name: string]: readonly string[] } = {
  loopback: ["127.0.0.0/8", "::1/128"],
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "169.254.0.0/16", "fe80::/10"],
};

/** Addresses and ranges; an IPv4 address that came over IPv6 (`::ffff:…`) counts as IPv4. */
export class AddressSet {
  readonly #list = new BlockList();

  /**
   * @param entries addresses (`192.0.2.7`, `2001:db8::1`), ranges (`10.0.0.0/8`), `loopback`, `private`
   * @throws ServerError `TZ_SERVER_OPTION`
   */
  constructor(entries: readonly string[]) {
    for (const entry of entries.flatMap((one) => (Object.hasOwn(NAMED, one) ? NAMED[one]! : [one])))
      this.#add(entry);
  }

  has(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#list.check(address, version === 4 ? "ipv4" : "ipv6");
  }

  #add(entry: string): void {
    const [address = "", bits, ...more] = entry.split("/");
    const version = isIP(address);
    const family = version === 4 ? "ipv4" : "ipv6";
    const most = version === 4 ? 32 : 128;
    const valid = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
    if (version === 0 || more.length > 0 || !valid) {
      throw new ServerError(
        "TZ_SERVER_OPTION",
        `${JSON.stringify(entry)} is no address, no range (10.0.0.0/8), and not loopback or private`,
      );
    }
    if (bits === undefined) this.#list.addAddress(address, family);
    else this.#list.addSubnet(address, Number(bits), family);
  }
}
