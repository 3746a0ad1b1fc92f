import { UsageError } from "../usage-error.js";

const BYTES_MAX = 4096;
const [NEWLINE, RETURN, CTRL_C, CTRL_D, BACKSPACE, DELETE] = [10, 13, 3, 4, 8, 127];

/**
 * Reads a password: from the terminal without showing it, or the first line of what is piped in. Never from the command
 * line, which everybody on the machine can see.
 * @returns UTF-8 bytes, for the caller to wipe
 */
export async function readPassword(prompt: string): Promise<Buffer> {
  const { stdin, stderr } = process;
  const isTerminal = stdin.isTTY === true;
  const bytes: number[] = [];
  if (isTerminal) {
    stderr.write(prompt);
    stdin.setRawMode(true);
  }
  try {
    stdin.resume();
    for await (const chunk of stdin.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      for (const byte of Buffer.from(chunk)) {
        if (byte === NEWLINE || byte === RETURN) return Buffer.from(bytes);
        if (isTerminal && byte === CTRL_C) throw new UsageError("interrupted");
        if (isTerminal && byte === CTRL_D) break;
        if (isTerminal && (byte === BACKSPACE || byte === DELETE)) {
          // A letter may have several bytes.
          while (((bytes.pop() ?? 0) & 0xc0) === 0x80);
        } else {
          bytes.push(byte);
        }
        if (bytes.length > BYTES_MAX) throw new UsageError(`the password has more than ${BYTES_MAX} bytes`);
      }
    }
    return Buffer.from(bytes);
  } finally {
    bytes.fill(0);
    stdin.pause();
    if (isTerminal) {
      stdin.setRawMode(false);
      stderr.write("\n");
    }
  }
}

/** Asks twice where somebody types. @throws UsageError when the two differ */
export async function readNewPassword(who: string): Promise<Buffer> {
  const first = await readPassword(`New password of ${who}: `);
  if (process.stdin.isTTY !== true) return first;
  const second = await readPassword("Once more: ");
  const same = first.equals(second);
  second.fill(0);
  if (same) return first;
  first.fill(0);
  throw new UsageError("the two passwords differ");
}
