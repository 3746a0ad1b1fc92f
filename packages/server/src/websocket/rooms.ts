import type { SendOptions } from "@tz/ws";
import type { ServerSocket } from "./server-socket.js";

type AnySocket = ServerSocket<unknown>;

export interface PublishOptions extends Pick<SendOptions, "text" | "compress"> {
  /**
   * A socket that has this many bytes waiting does not get the message: for what is soon out of date. Default: it
   * gets it, and is closed when more than its `maxBufferedBytes` wait.
   */
  readonly skipAboveBytes?: number;
}

/**
 * Who is in which room, in this process.
 *
 * ```
 *   room ──▶ { socket, socket, … }      an empty room is forgotten
 *   socket ──▶ { room, … }              a socket that closes leaves them all
 * ```
 */
export class Rooms {
  readonly #members = new Map<string, Set<AnySocket>>();

  /** Rooms that have anybody. */
  get size(): number {
    return this.#members.size;
  }

  count(room: string): number {
    return this.#members.get(room)?.size ?? 0;
  }

  add(room: string, socket: AnySocket): void {
    const members = this.#members.get(room);
    if (members === undefined) this.#members.set(room, new Set([socket]));
    else members.add(socket);
  }

  remove(room: string, socket: AnySocket): void {
    const members = this.#members.get(room);
    if (members?.delete(socket) === true && members.size === 0) this.#members.delete(room);
  }

  /** Sends one message to all of a room but `except`. @returns how many sockets took it */
  publish(
    room: string,
    data: string | Uint8Array,
    { text, compress, skipAboveBytes = Number.POSITIVE_INFINITY }: PublishOptions = {},
    except?: AnySocket,
  ): number {
    const members = this.#members.get(room);
    if (members === undefined) return 0;
    // Text is encoded once, not once a socket.
    const bytes = typeof data === "string" ? Buffer.from(data, "utf8") : data;
    const options = {
      text: text ?? typeof data === "string",
      ...(compress !== undefined && { compress }),
    };
    let count = 0;
    for (const member of members) {
      if (member === except || member.state !== "open" || member.bufferedBytes >= skipAboveBytes) continue;
      member.send(bytes, options);
      count++;
    }
    return count;
  }
}
