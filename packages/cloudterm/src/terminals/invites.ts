import { createHash, randomBytes } from "node:crypto";
import { CloudtermError, shown } from "../errors.js";
import type { Access } from "./viewer.js";

export interface InviteStart {
  readonly terminal: string;
  /** Who shares. */
  readonly user: string;
  readonly access: Access;
  /** Until when the link works. At most {@link INVITE_MS_MAX}. */
  readonly lifeMs: number;
  /** How often it lets somebody in; default: any number of times. */
  readonly uses?: number | undefined;
}

export interface Invite {
  readonly id: string;
  readonly terminal: string;
  readonly user: string;
  readonly access: Access;
  readonly createdMs: number;
  readonly endMs: number;
  readonly usesLeft: number | undefined;
}

export const INVITE_MS_MAX = 30 * 86_400_000;
/** Links of all terminals at a time. */
const INVITES_MAX = 10_000;

/**
 * Links that let somebody without an account see or use one terminal. The secret of a link is stored hashed; it is shown
 * once, when it is made.
 */
export class Invites {
  readonly #byKey = new Map<string, Invite>();
  readonly #onOver: (invite: Invite) => void;
  readonly #now: () => number;

  /** @param onOver the link was revoked or is over: whoever came through it must go */
  constructor(onOver: (invite: Invite) => void, now: () => number = Date.now) {
    this.#onOver = onOver;
    this.#now = now;
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_REQUEST`, `TZ_CLOUDTERM_TERMINALS` when there are too many */
  create({ terminal, user, access, lifeMs, uses }: InviteStart): {
    readonly invite: Invite;
    readonly secret: string;
  } {
    if (access !== "read" && access !== "write") throw wrong("access", access, '"read" or "write"');
    if (!(Number.isInteger(lifeMs) && lifeMs >= 1000 && lifeMs <= INVITE_MS_MAX)) {
      throw wrong("lifeMs", lifeMs, `a whole number from 1000 to ${INVITE_MS_MAX}`);
    }
    if (uses !== undefined && !(Number.isInteger(uses) && uses >= 1)) {
      throw wrong("uses", uses, "a whole number from 1 on");
    }
    this.sweep();
    if (this.#byKey.size >= INVITES_MAX) {
      throw new CloudtermError("TZ_CLOUDTERM_TERMINALS", `${INVITES_MAX} links are open`);
    }
    const secret = randomBytes(32).toString("base64url");
    const nowMs = this.#now();
    const invite: Invite = {
      id: randomBytes(9).toString("base64url"),
      terminal,
      user,
      access,
      createdMs: nowMs,
      endMs: nowMs + lifeMs,
      usesLeft: uses,
    };
    this.#byKey.set(keyOf(secret), invite);
    return { invite, secret };
  }

  /** Lets somebody in: counts as a use. `undefined` when the link is not one, or not any more. */
  enter(secret: string): Invite | undefined {
    const key = keyOf(secret);
    const invite = this.#byKey.get(key);
    if (invite === undefined || invite.endMs <= this.#now() || invite.usesLeft === 0) return undefined;
    if (invite.usesLeft !== undefined) this.#byKey.set(key, { ...invite, usesLeft: invite.usesLeft - 1 });
    return invite;
  }

  ofTerminal(terminal: string): readonly Invite[] {
    this.sweep();
    return [...this.#byKey.values()].filter((invite) => invite.terminal === terminal);
  }

  /** @returns whether there was such a link of that terminal */
  revoke(terminal: string, id: string): boolean {
    return this.#remove((invite) => invite.terminal === terminal && invite.id === id) > 0;
  }

  /** All links of a terminal, or of all that a user shared. @returns how many */
  revokeAll(which: { readonly terminal?: string; readonly user?: string }): number {
    return this.#remove(
      ({ terminal, user }) => (which.terminal ?? terminal) === terminal && (which.user ?? user) === user,
    );
  }

  /** Ends what is over by time: call it about once a second. */
  sweep(): void {
    const nowMs = this.#now();
    this.#remove(({ endMs }) => endMs <= nowMs);
  }

  #remove(which: (invite: Invite) => boolean): number {
    let count = 0;
    for (const [key, invite] of this.#byKey) {
      if (!which(invite)) continue;
      this.#byKey.delete(key);
      count++;
      this.#onOver(invite);
    }
    return count;
  }
}

/** The secret has 256 random bits: a plain hash cannot be searched for. */
function keyOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}

function wrong(name: string, value: unknown, allowed: string): CloudtermError {
  return new CloudtermError("TZ_CLOUDTERM_REQUEST", `${name} is ${shown(value)}; allowed: ${allowed}`);
}
