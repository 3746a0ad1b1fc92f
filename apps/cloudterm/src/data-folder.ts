import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "./usage-error.js";

const KEY_BYTES = 32;

/** Where everything is kept that outlives the process. Nobody but its owner may look in. */
export class DataFolder {
  readonly path: string;

  /** @throws UsageError when it cannot be made or written to */
  constructor(path: string) {
    this.path = resolve(path);
    try {
      mkdirSync(this.path, { recursive: true, mode: 0o700 });
      if ((statSync(this.path).mode & 0o077) !== 0) chmodSync(this.path, 0o700);
    } catch (error) {
      throw new UsageError(`--data ${path}: ${(error as Error).message}`);
    }
  }

  get users(): string {
    return join(this.path, "users.json");
  }

  get sessions(): string {
    return join(this.path, "sessions.json");
  }

  get audit(): string {
    return join(this.path, "audit.jsonl");
  }

  get recordings(): string {
    return join(this.path, "recordings");
  }

  /** Secret of this gateway, made once. */
  key(): Buffer {
    const path = join(this.path, "key");
    try {
      writeFileSync(path, randomBytes(KEY_BYTES), { mode: 0o600, flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const key = readFileSync(path);
    if (key.length !== KEY_BYTES)
      throw new UsageError(`${path} has ${key.length} bytes; it must have ${KEY_BYTES}`);
    return key;
  }
}
