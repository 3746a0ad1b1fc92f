import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { check, median, quick, table, times } from "./measure.js";
import { clientFrames } from "./wire.js";

const SOCKETS = 16;
const ROUNDS = quick ? 1 : 7;
const ROUND_MS = quick ? 50 : 400;

interface Server {
  readonly process: ChildProcess;
  readonly port: number;
}

async function start(kind: string): Promise<Server> {
  const child = fork(fileURLToPath(new URL("./echo-server.ts", import.meta.url)), [kind]);
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return { process: child, port };
}

async function cpuMicros(server: Server): Promise<number> {
  server.process.send("cpu");
  const [{ cpuMicros: now }] = (await once(server.process, "message")) as [{ cpuMicros: number }];
  return now;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").setNoDelay(true);
  socket.write(
    "GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  check(answer.toString("latin1").startsWith("HTTP/1.1 101 "), "no handshake");
  return socket;
}

/** Sends batches of frames and waits for their echo. @returns server CPU µs for each message */
async function round(server: Server, payload: Buffer, depth: number): Promise<number> {
  const { stream, count } = clientFrames(0x82, payload, (payload.length + 14) * (depth + 1));
  const head = payload.length < 126 ? 2 : 4;
  const expected = count * (payload.length + head);
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => open(server.port)));
  let messages = 0;
  let stop = false;
  const work = sockets.map(async (socket) => {
    while (!stop) {
      let got = 0;
      const echoed = new Promise<void>((resolve, reject) => {
        const onData = (chunk: Buffer) => {
          if (got === 0 && chunk.length > head) {
            const same = chunk
              .subarray(head, head + 16)
              .equals(payload.subarray(0, Math.min(16, chunk.length - head)));
            if (!same) return reject(new Error("disqualified: a wrong echo"));
          }
          got += chunk.length;
          if (got < expected) return;
          socket.off("data", onData);
          resolve();
        };
        socket.on("data", onData);
      });
      socket.write(stream);
      await echoed;
      check(got === expected, "an echo of another length");
      messages += count;
    }
  });
  const before = await cpuMicros(server);
  await sleep(ROUND_MS);
  const after = await cpuMicros(server);
  const done = messages;
  stop = true;
  await Promise.all(work);
  for (const socket of sockets) socket.destroy();
  return (after - before) / done;
}

/** Over `node:http` and real sockets: what a message costs the server. */
export async function benchEcho(): Promise<void> {
  const ours = await start("tz");
  const theirs = await start("ws");
  const rows: string[][] = [];
  for (const [size, depth] of [
    [125, 1],
    [125, 16],
    [16384, 1],
  ] as const) {
    const payload = Buffer.alloc(size, "echo me, and do not forget it");
    const rounds: [number, number][] = [];
    for (const server of [ours, theirs]) await round(server, payload, depth);
    for (let at = 0; at < ROUNDS; at++)
      rounds.push([await round(ours, payload, depth), await round(theirs, payload, depth)]);
    rows.push([
      `${size} B, ${depth} at a time`,
      `${median(rounds.map(([own]) => own)).toPrecision(3)} µs`,
      `${median(rounds.map(([, other]) => other)).toPrecision(3)} µs`,
      times(median(rounds.map(([own, other]) => own / other))),
    ]);
  }
  for (const server of [ours, theirs]) server.process.disconnect();
  table(
    "Echo over node:http sockets: server CPU time for a message",
    ["message", "@tz/ws", "`ws`", "ratio"],
    rows,
  );
}
