import { readSync } from "node:fs";
import { FakeLoop, type FakeTransport } from "./fake.js";
import { type ConformanceClient, loopConformance } from "./loop.conformance.js";

/** The client's side of a fake connection. */
class FakeClient implements ConformanceClient {
  readonly #transport: FakeTransport;
  #window = Number.POSITIVE_INFINITY;

  constructor(transport: FakeTransport) {
    this.#transport = transport;
  }
  get received(): Buffer {
    return this.#transport.received;
  }
  get ended(): boolean {
    return this.#transport.ended || this.#transport.closed;
  }
  get closed(): boolean {
    return this.#transport.closed;
  }
  send(bytes: Uint8Array | string): void {
    this.#transport.clientSend(bytes);
  }
  end(): void {
    this.#transport.clientEnd();
  }
  reset(): void {
    this.#transport.clientReset();
  }
  stopReading(): void {
    this.#window = 100_000;
    this.#transport.clientWindow = this.#window;
  }
  resumeReading(): void {
    this.#transport.clientRead(Number.POSITIVE_INFINITY);
  }
}

loopConformance("fake", async () => {
  const loop = new FakeLoop(5);
  loop.readFile = (fd, into, offset) => readSync(fd, into, 0, into.byteLength, offset);
  const turn = async (): Promise<void> => {
    for (const transport of loop.transports) transport.turn();
    loop.advance(5);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    loop,
    connect: async () => new FakeClient(loop.connect()),
    until: async (done) => {
      for (let i = 0; !done(); i++) {
        if (i > 2000) throw new Error(`2,000 turns in vain for ${done}`);
        await turn();
      }
    },
    quiet: async () => {
      for (let i = 0; i < 5; i++) await turn();
    },
  };
});
