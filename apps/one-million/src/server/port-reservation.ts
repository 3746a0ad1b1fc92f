import {
  AF_INET,
  AF_INET6,
  bind,
  close,
  getsockname,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
  setsockopt,
  socket,
} from "@tz/sys";
import { resolveAddress } from "./resolve-address.js";

/**
 * A socket that is bound and never listens: it keeps the port for the workers, who listen on it with SO_REUSEPORT, also
 * while none of them runs.
 */
export interface PortReservation {
  readonly port: number;
  release(): void;
}

/**
 * @param port 0 lets the kernel choose
 * @throws SysError (EADDRINUSE when somebody listens there already)
 */
export async function reservePort(host: string, port: number): Promise<PortReservation> {
  const address = await resolveAddress(host, port);
  const fd = socket(address.family === "ipv4" ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC);
  try {
    // Shared only after it is bound: whoever listens there already, other workers of this user too, makes this fail.
    if (port !== 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    bind(fd, address);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    const name = getsockname(fd);
    return { port: name.family === "unix" ? 0 : name.port, release: () => close(fd) };
  } catch (error) {
    close(fd);
    throw error;
  }
}
