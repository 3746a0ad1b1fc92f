import { expect } from "vitest";
import { type ConnectionHandler, WebSocketConnection } from "../connection.js";
import type { Role } from "../opcode.js";
import { RecordingSink } from "../recording-sink.fixture.js";
import { decodeFrames, encodeFor, encodeFrame } from "../wire.fixture.js";
import type { Answer, AutobahnCase } from "./case.fixture.js";

const echo: ConnectionHandler = {
  onMessage: (connection, bytes, start, end, isText) => void connection.sendRange(bytes, start, end, isText),
};

/** How the bytes of a case arrive. */
export interface Split {
  readonly name: string;
  /** Length of the next piece. */
  readonly next: () => number;
}

export function pieces(bytes: number): Split {
  return { name: `pieces of ${bytes}`, next: () => bytes };
}

/** What came back, in the terms of the cases. */
function answersIn(bytes: Buffer, masked: boolean): { answers: Answer[]; close: Buffer | undefined } {
  const answers: Answer[] = [];
  let close: Buffer | undefined;
  for (const frame of decodeFrames(bytes)) {
    expect(close, "a frame after the Close").toBeUndefined();
    expect([frame.fin, frame.rsv, frame.masked]).toEqual([true, 0, masked]);
    const { opcode, payload } = frame;
    if (opcode === 8) close = payload;
    else if (opcode === 10) answers.push({ kind: "pong", payload });
    else answers.push({ kind: opcode === 1 ? "text" : "binary", payload });
  }
  return { answers, close };
}

function expectAnswers(got: readonly Answer[], wanted: readonly Answer[]): void {
  expect(got.map(({ kind, payload }) => `${kind} ${payload.length}`)).toEqual(
    wanted.map(({ kind, payload }) => `${kind} ${payload.length}`),
  );
  got.forEach((answer, at) => {
    expect(answer.payload.equals(wanted[at]!.payload), `payload of answer ${at}`).toBe(true);
  });
}

/** Feeds a case to an echoing connection and checks all that came back. */
export function runCase(test: AutobahnCase, role: Role, split: Split): void {
  const sink = new RecordingSink();
  const connection = new WebSocketConnection(role, sink, echo);
  const bytes = encodeFor(role, test.frames);
  const until =
    test.failsWithin === undefined ? bytes.length : lastPayloadStart(test, role) + test.failsWithin;
  for (let at = 0; at < until; ) {
    const to = Math.min(until, at + Math.max(1, split.next()));
    connection.receive(bytes.subarray(at, to));
    at = to;
  }
  const before = answersIn(sink.bytes, role === "client");
  expectAnswers(before.answers, test.answers);
  if (test.end === "open") {
    expect(before.close).toBeUndefined();
    connection.receive(
      encodeFrame({ opcode: 8, payload: Buffer.from([0x03, 0xe8]) }, { masked: role === "server" }),
    );
    expectClose(sink, role, 1000);
    expectEnd(connection, sink, role);
  } else if (typeof test.end === "number") {
    expectClose(sink, role, test.end);
    expect([connection.state, sink.closed]).toEqual(["closed", true]);
  } else {
    expectClose(sink, role, test.end.answersClose);
    expectEnd(connection, sink, role);
  }
}

function lastPayloadStart(test: AutobahnCase, role: Role): number {
  const last = test.frames.at(-1)!;
  return encodeFor(role, test.frames).length - Buffer.from(last.payload ?? "").length;
}

function expectClose(sink: RecordingSink, role: Role, code: number | undefined): void {
  const { close } = answersIn(sink.bytes, role === "client");
  expect(close, "no Close was sent").toBeDefined();
  expect(close!.length === 0 ? undefined : close!.readUInt16BE(0)).toBe(code);
}

/** After a clean close the server ends the transport; the client waits for that. */
function expectEnd(connection: WebSocketConnection, sink: RecordingSink, role: Role): void {
  expect(sink.closed).toBe(role === "server");
  connection.ended();
  expect(connection.state).toBe("closed");
}
