import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { AF_UNIX, bind, close, MSG_DONTWAIT, Region, recv, SOCK_CLOEXEC, SOCK_DGRAM, socket } from "@tz/sys";

const LARGEST_MESSAGE_BYTES = 4096;
const POLL_MS = 10;

/** The end of a service manager: a datagram socket, and what was told to it. */
export class NotifySocket {
  /** For `NOTIFY_SOCKET`. */
  readonly name: string;
  readonly messages: string[] = [];
  readonly #fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC);
  readonly #buffer = Region.allocate(LARGEST_MESSAGE_BYTES);

  /** @param name a path, or an abstract name behind an `@` */
  constructor(name: string) {
    this.name = name;
    bind(this.#fd, { family: "unix", path: name.replace(/^@/, "\0") });
  }

  /** Waits for a message. @returns it */
  async until(look: (message: string) => boolean, nth = 1): Promise<string> {
    for (;;) {
      this.#read();
      const found = this.messages.filter(look)[nth - 1];
      if (found !== undefined) return found;
      await sleep(POLL_MS);
    }
  }

  #read(): void {
    for (;;) {
      const length = recv(this.#fd, this.#buffer.address, LARGEST_MESSAGE_BYTES, MSG_DONTWAIT);
      if (length < 0) return;
      this.messages.push(Buffer.from(this.#buffer.bytes.subarray(0, length)).toString());
    }
  }

  close(): void {
    close(this.#fd);
    this.#buffer.release();
    if (!this.name.startsWith("@")) rmSync(this.name, { force: true });
  }
}
