/** Class 9: large messages, many fragments, small chops, many messages. */
import { type AutobahnCase, binary, fragments, text } from "./case.fixture.js";

const TEXT = 1;
const BINARY = 2;
const KiB = 1024;
const MiB = 1024 * KiB;

const SIZES = [64 * KiB, 256 * KiB, MiB, 4 * MiB, 8 * MiB, 16 * MiB];
const FRAGMENT_SIZES = [64, 256, KiB, 4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB, MiB, 4 * MiB];
const CHOP_SIZES = [64, 128, 256, 512, KiB, 2 * KiB];
const MESSAGE_SIZES = [0, 16, 64, 256, KiB, 4 * KiB];
const MESSAGES = 1000;

interface Kind {
  readonly name: string;
  readonly opcode: number;
  readonly payload: (length: number) => Buffer;
  readonly answer: (payload: Uint8Array) => ReturnType<typeof text>;
}

const TEXTS: Kind = {
  name: "text",
  opcode: TEXT,
  payload: (length) => Buffer.alloc(length, "BAsd7&jh23"),
  answer: text,
};
const BINARIES: Kind = {
  name: "binary",
  opcode: BINARY,
  payload: (length) => Buffer.alloc(length, Buffer.from([0x00, 0xfe, 0x23, 0xfa, 0xf0])),
  answer: binary,
};

/** A case that is made when it is run: together they are hundreds of megabytes. */
export interface LimitCase {
  readonly id: string;
  readonly sends: string;
  readonly make: () => Pick<AutobahnCase, "frames" | "answers">;
  readonly chopBytes?: number;
}

function large(group: number, kind: Kind): LimitCase[] {
  return SIZES.map((size, at) => ({
    id: `9.${group}.${at + 1}`,
    sends: `${kind.name} of ${size / KiB} KiB`,
    make() {
      const payload = kind.payload(size);
      return { frames: [{ opcode: kind.opcode, payload }], answers: [kind.answer(payload)] };
    },
  }));
}

function fragmented(group: number, kind: Kind): LimitCase[] {
  return FRAGMENT_SIZES.map((size, at) => ({
    id: `9.${group}.${at + 1}`,
    sends: `${kind.name} of 4 MiB in fragments of ${size}`,
    make() {
      const payload = kind.payload(4 * MiB);
      return { frames: fragments(kind.opcode, payload, size), answers: [kind.answer(payload)] };
    },
  }));
}

function chopped(group: number, kind: Kind): LimitCase[] {
  return CHOP_SIZES.map((chopBytes, at) => ({
    id: `9.${group}.${at + 1}`,
    sends: `${kind.name} of 1 MiB in chops of ${chopBytes}`,
    chopBytes,
    make() {
      const payload = kind.payload(MiB);
      return { frames: [{ opcode: kind.opcode, payload }], answers: [kind.answer(payload)] };
    },
  }));
}

function many(group: number, kind: Kind): LimitCase[] {
  return MESSAGE_SIZES.map((size, at) => ({
    id: `9.${group}.${at + 1}`,
    sends: `${MESSAGES} ${kind.name} messages of ${size}`,
    make() {
      const payload = kind.payload(size);
      return {
        frames: Array.from({ length: MESSAGES }, () => ({ opcode: kind.opcode, payload })),
        answers: Array.from({ length: MESSAGES }, () => kind.answer(payload)),
      };
    },
  }));
}

export const LIMIT_CASES: readonly LimitCase[] = [
  ...large(1, TEXTS),
  ...large(2, BINARIES),
  ...fragmented(3, TEXTS),
  ...fragmented(4, BINARIES),
  ...chopped(5, TEXTS),
  ...chopped(6, BINARIES),
  ...many(7, TEXTS),
  ...many(8, BINARIES),
];
