/** A client that reads when it is told to. */
import net from "node:net";

export class RawClient {
  readonly socket: net.Socket;
  readonly #parts: Buffer[] = [];
  #byteLength = 0;
  #wake: () => void = () => {};
  isClosed = false;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on("data", (part) => {
      this.#parts.push(part);
      this.#byteLength += part.byteLength;
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((done, fail) => {
      const socket = net.connect({ port, host: "127.0.0.1" });
      socket.once("connect", () => done(new RawClient(socket)));
      socket.once("error", fail);
    });
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  get received(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** Waits until so many bytes are there; `false` when the connection closes before. */
  async until(byteLength: number): Promise<boolean> {
    while (this.#byteLength < byteLength && !this.isClosed) {
      await new Promise<void>((done) => {
        this.#wake = done;
      });
    }
    return this.#byteLength >= byteLength;
  }

  closed(): Promise<boolean> {
    return this.until(Number.POSITIVE_INFINITY).then(() => this.isClosed);
  }
}
