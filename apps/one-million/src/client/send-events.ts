import { connect, type Socket } from "node:net";
import { AnswerCounter } from "./answer-counter.js";
import type { Events } from "./events.js";

export interface Load {
  readonly url: URL;
  readonly requests: number;
  readonly connections: number;
  /** Events that a connection sends before it waits for their answers. */
  readonly pipeline: number;
  /** Told of answers as they come. */
  onAnswers(count: number): void;
}

/** Connections that are opened at a time, so that the server's queue holds them. */
const WAVE = 256;

/**
 * Sends all events over keep-alive connections.
 * @throws Error when a connection fails or an answer is not 200: the totals cannot be exact any more
 */
export async function sendEvents(load: Load, events: Events): Promise<void> {
  const sockets: Socket[] = [];
  try {
    while (sockets.length < load.connections) {
      const count = Math.min(WAVE, load.connections - sockets.length);
      sockets.push(...(await Promise.all(Array.from({ length: count }, () => open(load.url)))));
    }
    let unsent = load.requests;
    const take = (): number => {
      const count = Math.min(load.pipeline, unsent);
      unsent -= count;
      return count;
    };
    await Promise.all(sockets.map((socket) => converse(socket, load, events, take)));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function open(url: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || 80),
      noDelay: true,
    });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** One connection: a batch of events, their answers, the next batch, until none is left. */
function converse(socket: Socket, load: Load, events: Events, take: () => number): Promise<void> {
  return new Promise((resolve, reject) => {
    const counter = new AnswerCounter();
    const head = `POST /event HTTP/1.1\r\nHost: ${load.url.host}\r\nContent-Type: application/json\r\nContent-Length: `;
    let awaited = 0;
    const send = () => {
      awaited = take();
      if (awaited === 0) {
        resolve();
        return;
      }
      let text = "";
      for (let i = 0; i < awaited; i++) {
        const event = events.next();
        text += `${head}${event.length}\r\n\r\n${event}`;
      }
      socket.write(text, "latin1");
    };
    const fail = (error: Error) => reject(error);
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("the server closed a connection")));
    socket.on("data", (chunk: Buffer) => {
      try {
        const count = counter.feed(chunk);
        load.onAnswers(count);
        awaited -= count;
        if (awaited < 0) throw new Error("more answers than events");
        if (awaited === 0) send();
      } catch (error) {
        fail(error as Error);
      }
    });
    send();
  });
}
