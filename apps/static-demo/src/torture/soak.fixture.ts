/**
 * Mixed traffic for a while: files, ranges, conditional requests, bodies and WebSocket messages, each compared. Beside it
 * the server's memory and descriptors are looked at: after the warm-up neither may grow.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AttackedServer } from "./attacked-process.fixture.js";
import { ByteClient } from "./byte-client.fixture.js";
import { noise } from "./noise.fixture.js";
import {
  AnswersJudge,
  clientFrame,
  converse,
  MessagesJudge,
  request,
  UPGRADE,
} from "./wire-client.fixture.js";

export interface SoakTally {
  readonly failures: readonly string[];
  readonly requests: number;
  readonly conversations: number;
  /** Of the second half: what a line through the samples rises by in an hour. */
  readonly rssBytesPerHour: number;
  readonly rssBytes: readonly number[];
  readonly descriptors: readonly number[];
}

const SAMPLES = 60;
const PATIENCE_MS = 100_000;
/** Descriptors of connections that come and go. */
const DESCRIPTORS_SPREAD = 40;
/** More than the collector's own ups and downs. */
const RSS_GROWTH_MAX = 1.15;

export async function soak(loop: "epoll" | "node", seconds: number): Promise<SoakTally> {
  const folder = mkdtempSync(join(tmpdir(), "tz-soak-"));
  const files = [0, 1, 3000, 60_000, 1_500_000].map((size) => {
    writeFileSync(join(folder, `${size}.bin`), noise(size));
    return { target: `/files/${size}.bin`, bytes: noise(size) };
  });
  const server = new AttackedServer(loop, folder);
  try {
    const port = await server.port;
    const client = new ByteClient(port, files, 6);
    const failures: string[] = [];
    const rssBytes: number[] = [];
    const descriptors: number[] = [];
    let conversations = 0;
    let isOver = false;
    const talker = async (): Promise<void> => {
      while (!isOver) {
        const outcome = await converse({ port, patienceMs: PATIENCE_MS, ...talk(conversations++) });
        if (outcome !== "right") failures.push(outcome);
      }
    };
    const talkers = [talker(), talker()];
    for (let i = 0; i < SAMPLES; i++) {
      await sleep((seconds * 1000) / SAMPLES);
      const now = await server.report();
      rssBytes.push(now.rssBytes);
      descriptors.push(now.descriptors);
    }
    isOver = true;
    await Promise.all(talkers);
    const tally = await client.stop();
    failures.push(...tally.failures);
    const later = rssBytes.slice(SAMPLES / 2);
    const lowest = Math.min(...later.slice(0, SAMPLES / 4));
    const last = Math.min(...later.slice(SAMPLES / 4));
    if (last > lowest * RSS_GROWTH_MAX) failures.push(`memory grows: ${lowest} bytes, then ${last}`);
    const open = descriptors.slice(SAMPLES / 2);
    if (Math.max(...open) - Math.min(...open) > DESCRIPTORS_SPREAD)
      failures.push(`descriptors: ${Math.min(...open)} to ${Math.max(...open)}`);
    return {
      failures,
      requests: tally.requests,
      conversations,
      rssBytesPerHour: Math.round(slope(later) * ((3600 * SAMPLES) / seconds)),
      rssBytes,
      descriptors,
    };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const POSTED = noise(20_000);
const MESSAGES = [noise(1), noise(5000)];

function talk(turn: number): Pick<Parameters<typeof converse>[0], "send" | "judge"> {
  if (turn % 3 === 0) {
    const send = [request("POST /echo", [`Content-Length: ${POSTED.length}`], POSTED)];
    return { send, judge: new AnswersJudge({ status: 200, body: POSTED }) };
  }
  if (turn % 3 === 1) {
    const send = [UPGRADE, ...MESSAGES.map((message) => clientFrame(message))];
    return { send, judge: new MessagesJudge(...MESSAGES) };
  }
  const send = [request("GET /files/3000.bin", [`If-Modified-Since: ${new Date().toUTCString()}`])];
  return { send, judge: new NotModifiedJudge() };
}

/** 304, without a body. */
class NotModifiedJudge {
  readonly refused = false;
  state = "waits for 304";

  take(chunk: Buffer): boolean {
    const text = chunk.toString("latin1");
    if (!text.startsWith("HTTP/1.1 304 ") || !text.endsWith("\r\n\r\n")) throw new Error(text.slice(0, 60));
    return true;
  }
}

/** By least squares, for a step of one sample. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let rise = 0;
  let run = 0;
  for (const [i, value] of values.entries()) {
    rise += (i - middle) * (value - mean);
    run += (i - middle) ** 2;
  }
  return rise / run;
}
