import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** The way between a browser and the gateway: it can be cut. */
export class Network {
  readonly url: string;
  readonly #target: URL;
  readonly #port: number;
  #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: URL, server: Server) {
    this.#target = target;
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.#port}/`;
    this.#carry();
  }

  static async to(url: string): Promise<Network> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Network(new URL(url), server);
  }

  #carry(): void {
    this.#server.on("connection", (near) => {
      const far = connect(Number(this.#target.port), this.#target.hostname);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
  }

  /** Nothing passes, and nobody gets an answer. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async restore(): Promise<void> {
    this.#server = createServer().listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#carry();
  }
}
