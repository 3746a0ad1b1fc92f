import type { Socket } from "node:net";
import { type ClientHello, HELLO_INCOMPLETE, MAX_HELLO_BYTES, parseClientHello } from "./client-hello.js";

export interface PeekBounds {
  readonly timeoutMs: number;
  /** The client ended, failed, or took too long: the socket is gone. */
  onFailure(): void;
}

/**
 * Reads the ClientHello from a socket of Node's and puts it back, so that whoever takes the socket then finds it there.
 * @param done gets `undefined` for what cannot be read: OpenSSL finds the alert for it
 */
export function peekHello(
  socket: Socket,
  { timeoutMs, onFailure }: PeekBounds,
  done: (hello: ClientHello | undefined) => void,
): void {
  let received: Buffer = Buffer.alloc(0);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off("readable", look).off("end", fail).off("close", fail);
  };
  const fail = (): void => {
    stop();
    socket.destroy();
    onFailure();
  };
  const look = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    received = received.byteLength === 0 ? chunk : Buffer.concat([received, chunk]);
    const hello = parseClientHello(received, 0, received.byteLength);
    if (hello === HELLO_INCOMPLETE && received.byteLength < MAX_HELLO_BYTES) return;
    stop();
    socket.unshift(received);
    done(typeof hello === "number" ? undefined : hello);
  };
  const timer = setTimeout(fail, timeoutMs);
  socket.on("readable", look).once("end", fail).once("close", fail);
}
