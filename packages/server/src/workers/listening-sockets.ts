import { close, getsockname } from "@tz/sys";
import { resolveHost } from "../loop/bind-host.js";
import { openListener } from "../loop/epoll.js";
import type { BindAddress } from "../loop/loop.js";
import { takeHandedOver } from "./hand-over.js";
import { reserveAddress } from "./port-reservation.js";
import { listenOnPath, type SocketFile, type SocketFileOptions, socketFileAt } from "./socket-file.js";

export interface ListeningRequest extends SocketFileOptions {
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
  /** Sockets that listen already. */
  readonly given: readonly number[] | undefined;
  readonly count: number;
}

/**
 * The sockets of a supervisor. They live as long as it does, whatever happens to workers, so what waits in their
 * queues is not lost: closing the last descriptor of one would reset it.
 *
 * ```
 *   TCP        one socket for each worker, SO_REUSEPORT: the kernel spreads connections by a hash
 *   Unix       one for all: the kernel has no such spread there
 *   given      as they come (systemd): one of several for each worker, or one for all
 * ```
 */
export class ListeningSockets {
  /** For each address its descriptors. */
  readonly fds: readonly (readonly number[])[];
  readonly address: BindAddress;
  readonly #file: SocketFile | undefined;

  private constructor(fds: readonly (readonly number[])[], file: SocketFile | undefined) {
    this.fds = fds;
    const name = getsockname(fds[0]![0]!);
    const path = file?.path ?? (name.family === "unix" ? name.path : undefined);
    this.address =
      path === undefined && name.family !== "unix"
        ? { host: name.host, port: name.port }
        : { host: path ?? "", port: 0 };
    this.#file = file;
  }

  /** @throws SysError `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` … */
  static async open(request: ListeningRequest): Promise<ListeningSockets> {
    const { host, port, given, count } = request;
    if (given !== undefined) {
      return new ListeningSockets(
        given.map((fd) => [fd]),
        undefined,
      );
    }
    const handedOver = takeHandedOver(host, port);
    if (host.includes("/")) {
      if (handedOver !== undefined) {
        return new ListeningSockets([handedOver], socketFileAt(host));
      }
      const { file, value } = await listenOnPath(host, request, (path) =>
        openListener({ family: "unix", path }, request),
      );
      return new ListeningSockets([[value]], file);
    }
    const fds = [...(handedOver ?? [])];
    const reservation = fds.length > 0 ? undefined : reserveAddress(await resolveHost(host, port));
    const address = reservation?.address ?? getsockname(fds[0]!);
    try {
      while (fds.length < count) {
        fds.push(openListener(address, { backlog: request.backlog, reusePort: true }));
      }
    } catch (error) {
      for (const fd of fds) close(fd);
      throw error;
    } finally {
      reservation?.release();
    }
    return new ListeningSockets([fds], undefined);
  }

  /** Accepts no more: what is in the queues is reset. */
  close(): void {
    for (const fd of this.fds.flat()) close(fd);
    this.#file?.remove();
  }

  /** Another process has copies: the file of a Unix socket is its own now. */
  abandon(): void {
    for (const fd of this.fds.flat()) close(fd);
  }
}
