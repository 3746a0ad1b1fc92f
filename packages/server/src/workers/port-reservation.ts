import { type AddressInfo, createServer } from "node:net";
import {
  bind,
  close,
  familyOf,
  getsockname,
  isSupported,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
  type SocketAddress,
  setsockopt,
  socket,
} from "@tz/sys";
import { resolveHost } from "../loop/bind-host.js";

/**
 * A socket that is bound and never listens. Its port is given to nobody as a free one, and who asks for it by number
 * and does not share it is refused; our own listeners stand beside it (SO_REUSEPORT, or SO_REUSEADDR alone).
 */
export interface AddressReservation {
  /** With the port that the kernel chose for 0. */
  readonly address: SocketAddress;
  release(): void;
}

/**
 * Binds without SO_REUSEPORT, which would let us take connections of another server of the same user.
 * @throws SysError `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` …
 */
export function reserveAddress(address: SocketAddress): AddressReservation {
  const fd = socket(familyOf(address), SOCK_STREAM | SOCK_CLOEXEC);
  try {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    bind(fd, address);
    // Shared once it is ours. To close it before our listeners are bound would be a moment in which others take it.
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    return { address: getsockname(fd), release: () => close(fd) };
  } catch (error) {
    close(fd);
    throw error;
  }
}

export interface PortReservation {
  readonly port: number;
  release(): void;
}

/**
 * A port for listeners of Node, which open it by its number. Without `@tz/sys` it is only one that was free.
 * @throws SysError or a system error of Node: `EADDRNOTAVAIL`, `ENOTFOUND`
 */
export async function reserveFreePort(host: string): Promise<PortReservation> {
  if (!isSupported().supported) return { port: await freePort(host), release: () => {} };
  const { address, release } = reserveAddress(await resolveHost(host, 0));
  return { port: address.family === "unix" ? 0 : address.port, release };
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host, port: 0 }, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
