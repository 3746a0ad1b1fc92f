import { lookup } from "node:dns/promises";
import { isIPv4, isIPv6 } from "node:net";
import type { SocketAddress } from "@tz/sys";

/**
 * The socket address of a host name or IP address; a host with a `/` is the path of a Unix socket.
 * @throws Error `ENOTFOUND` when the name has no address
 */
export async function resolveHost(host: string, port: number): Promise<SocketAddress> {
  if (host.includes("/")) return { family: "unix", path: host };
  if (isIPv4(host)) return { family: "ipv4", host, port };
  if (isIPv6(host)) return { family: "ipv6", host, port };
  const { address, family } = await lookup(host);
  return family === 4 ? { family: "ipv4", host: address, port } : { family: "ipv6", host: address, port };
}
