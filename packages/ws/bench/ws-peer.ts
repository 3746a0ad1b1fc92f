/** The parts of `ws` that are timed; its types leave them out. */
import type { Writable } from "node:stream";
import * as ws from "ws";

export interface PeerReceiver extends Writable {
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): this;
  on(event: string, listener: (...args: never[]) => void): this;
}

export interface PeerSender {
  send(
    data: Buffer | string,
    options: { binary: boolean; compress: boolean; fin: boolean; mask: boolean },
    done?: () => void,
  ): void;
}

const peer = ws as unknown as {
  readonly Receiver: new (options: object) => PeerReceiver;
  readonly Sender: new (socket: object, extensions: object) => PeerSender;
  readonly PerMessageDeflate: new (
    options: object,
  ) => {
    accept(offers: readonly object[]): object;
    compress(data: Buffer, fin: boolean, done: (error: Error | null, data: Buffer) => void): void;
    decompress(data: Buffer, fin: boolean, done: (error: Error | null, data: Buffer) => void): void;
    cleanup(): void;
  };
};

export const { Receiver, Sender, PerMessageDeflate } = peer;
