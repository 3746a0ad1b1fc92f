/**
 * A file system in this process, by the kernel's FUSE protocol, in which every read and every look at a name takes so
 * long. Arguments: where it is mounted, ms of a read, ms of a name, size of its one file `slow.bin`.
 * Says "ready" when it is mounted; ends with SIGTERM. Needs the right to mount.
 */
import { spawnSync } from "node:child_process";
import { openSync, read, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { noise } from "./noise.fixture.js";

const [target = "", readMs = "0", nameMs = "0", size = "0"] = process.argv.slice(2);
const content = noise(Number(size));
const IN_HEADER = 40;
const OUT_HEADER = 16;
const REQUEST_BYTES_MAX = 256 * 1024;
const OPCODE = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  open: 14,
  read: 15,
  statfs: 17,
  release: 18,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
} as const;
const ROOT = 1;
const FILE = 2;
const NO_SUCH_FILE = -2;
const NOT_KNOWN = -38;
const MTIME_S = 1_700_000_000n;

const device = openSync("/dev/fuse", "r+");
const mounted = spawnSync(
  "mount",
  ["-i", "-t", "fuse", "-o", "fd=3,rootmode=40000,user_id=0,group_id=0,allow_other", "slow", target],
  { stdio: ["ignore", "ignore", "inherit", device] },
);
if (mounted.status !== 0) process.exit(1);
process.once("SIGTERM", () => {
  spawnSync("umount", ["-l", target]);
  process.exit(0);
});

function reply(unique: bigint, error: number, body: Uint8Array = new Uint8Array(0)): void {
  const answer = Buffer.alloc(OUT_HEADER + body.byteLength);
  answer.writeUInt32LE(answer.byteLength, 0);
  answer.writeInt32LE(error, 4);
  answer.writeBigUInt64LE(unique, 8);
  answer.set(body, OUT_HEADER);
  try {
    writeSync(device, answer);
  } catch {
    // Who asked was interrupted.
  }
}

function attributes(node: number): Buffer {
  const bytes = Buffer.alloc(88);
  bytes.writeBigUInt64LE(BigInt(node), 0);
  bytes.writeBigUInt64LE(node === FILE ? BigInt(content.byteLength) : 0n, 8);
  for (const at of [24, 32, 40]) bytes.writeBigUInt64LE(MTIME_S, at);
  bytes.writeUInt32LE(node === FILE ? 0o100644 : 0o40755, 60);
  bytes.writeUInt32LE(1, 64);
  bytes.writeUInt32LE(4096, 80);
  return bytes;
}

async function answer(request: Buffer): Promise<void> {
  const opcode = request.readUInt32LE(4);
  const unique = request.readBigUInt64LE(8);
  const node = Number(request.readBigUInt64LE(16));
  const body = request.subarray(IN_HEADER);
  switch (opcode) {
    case OPCODE.init: {
      const out = Buffer.alloc(64);
      out.writeUInt32LE(7, 0);
      out.writeUInt32LE(31, 4);
      out.writeUInt32LE(128 * 1024, 8);
      out.writeUInt16LE(16, 16);
      out.writeUInt16LE(12, 18);
      out.writeUInt32LE(128 * 1024, 20);
      reply(unique, 0, out);
      console.log("ready");
      return;
    }
    case OPCODE.lookup: {
      await sleep(Number(nameMs));
      if (body.toString("latin1") !== "slow.bin\0") return reply(unique, NO_SUCH_FILE);
      const out = Buffer.alloc(40);
      out.writeBigUInt64LE(BigInt(FILE), 0);
      return reply(unique, 0, Buffer.concat([out, attributes(FILE)]));
    }
    case OPCODE.getattr: {
      await sleep(Number(nameMs));
      return reply(unique, 0, Buffer.concat([Buffer.alloc(16), attributes(node === ROOT ? ROOT : FILE)]));
    }
    case OPCODE.open:
    case OPCODE.opendir:
      return reply(unique, 0, Buffer.alloc(16));
    case OPCODE.read: {
      await sleep(Number(readMs));
      const offset = Number(body.readBigUInt64LE(8));
      return reply(unique, 0, content.subarray(offset, offset + body.readUInt32LE(16)));
    }
    case OPCODE.statfs:
      return reply(unique, 0, Buffer.alloc(80));
    case OPCODE.release:
    case OPCODE.flush:
    case OPCODE.readdir:
    case OPCODE.releasedir:
      return reply(unique, 0);
    case OPCODE.forget:
    case OPCODE.batchForget:
    case OPCODE.interrupt:
    case OPCODE.destroy:
      return;
    default:
      reply(unique, NOT_KNOWN);
  }
}

function next(): void {
  const request = Buffer.alloc(REQUEST_BYTES_MAX);
  read(device, request, 0, REQUEST_BYTES_MAX, null, (error, length) => {
    // ENODEV: it was taken away.
    if (error !== null && error.code === "ENODEV") process.exit(0);
    if (error === null) void answer(request.subarray(0, length));
    next();
  });
}
next();
