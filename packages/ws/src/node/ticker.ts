import type { WebSocketConnection } from "../connection.js";

const TICK_MS = 1000;

const connections = new Set<WebSocketConnection>();
let timer: NodeJS.Timeout | undefined;

/** One timer for all connections over Node's sockets. It keeps no process alive. */
export function startTicking(connection: WebSocketConnection): void {
  connections.add(connection);
  // What is counted between ticks is counted from the first byte on.
  connection.tick(performance.now());
  timer ??= setInterval(tickAll, TICK_MS).unref();
}

export function stopTicking(connection: WebSocketConnection): void {
  connections.delete(connection);
  if (connections.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

function tickAll(): void {
  const nowMs = performance.now();
  for (const connection of connections) connection.tick(nowMs);
}
