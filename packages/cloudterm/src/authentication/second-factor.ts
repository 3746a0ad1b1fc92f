import { recoveryHash } from "./recovery-codes.js";
import type { TicketStore } from "./ticket-store.js";
import { matchTotp, TOTP_TAKEN_MS } from "./totp.js";
import type { User } from "./user.js";
import type { UsersFile } from "./users-file.js";

export interface SecondFactorOptions {
  readonly users: UsersFile;
  /** Remembers which codes were used, for all gateways. */
  readonly tickets: TicketStore;
  readonly now?: () => number;
}

/** Codes by time, and recovery codes: each counts once. */
export class SecondFactor {
  readonly #users: UsersFile;
  readonly #tickets: TicketStore;
  readonly #now: () => number;

  constructor({ users, tickets, now = Date.now }: SecondFactorOptions) {
    this.#users = users;
    this.#tickets = tickets;
    this.#now = now;
  }

  /** @returns what the code was; `undefined` when it is none of this user's */
  async verify(user: User, code: string): Promise<"totp" | "recovery" | undefined> {
    if (user.totp === undefined || code.length > 64) return undefined;
    if (await this.verifyTotp(user.name, user.totp.secret, code)) return "totp";
    const hash = recoveryHash(code);
    if (!user.recovery.includes(hash)) return undefined;
    let taken = false;
    await this.#users.update(user.name, ({ recovery }) => {
      taken = recovery.includes(hash);
      return { recovery: recovery.filter((each) => each !== hash) };
    });
    return taken ? "recovery" : undefined;
  }

  /** Whether it is a code of the secret that was not used yet. */
  async verifyTotp(user: string, secret: string, code: string): Promise<boolean> {
    const step = matchTotp(secret, code, this.#now());
    return step !== undefined && (await this.#tickets.claim(`totp:${user}:${step}`, TOTP_TAKEN_MS));
  }
}
