import { lookup } from "node:dns/promises";
import type { SocketAddress } from "@tz/sys";

/** @throws Error `ENOTFOUND` when a name has no address */
export async function resolveAddress(host: string, port: number): Promise<SocketAddress> {
  const { address, family } = await lookup(host);
  return { family: family === 4 ? "ipv4" : "ipv6", host: address, port };
}
