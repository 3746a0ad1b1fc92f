import { CloudtermError, type Session } from "@tz/cloudterm";
import type { GatewayParts } from "./gateway-parts.js";
import { userOf } from "./request-guard.js";

const WATCH_MS = 500;
/** Sessions with an open terminal are looked up this often: it keeps them from idling out, and sees those that are over. */
const LOOKUP_MS = 10_000;

interface Watched {
  session: Session;
  lookedUpMs: number;
}

/**
 * Watches the sessions that have sockets: a removed user, a password that was changed on the command line and a session
 * whose time is over tell nobody by themselves. While what sessions are kept in does not answer, sockets stay as they are, but
 * for those: of them this gateway knows by itself.
 */
export class SessionWatch {
  readonly #parts: GatewayParts;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: NodeJS.Timeout;
  #busy = false;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#look(), WATCH_MS).unref();
    parts.sessions.onGap(() => {
      for (const watched of this.#watched.values()) watched.lookedUpMs = Math.min(watched.lookedUpMs, 1);
    });
  }

  add(session: Session): void {
    // Of a request that another gateway passed on: that one watches.
    if (session.secret === "") return;
    // The first look comes soon: the session may have been revoked while its socket was being opened.
    this.#watched.set(session.record.id, { session, lookedUpMs: 0 });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.#parts.invites.sweep();
    if (this.#busy) return;
    this.#busy = true;
    this.#lookAtAll()
      .catch((error: unknown) => console.error(error))
      .finally(() => {
        this.#busy = false;
      });
  }

  async #lookAtAll(): Promise<void> {
    const { terminals, sessions, invites, openings, peers } = this.#parts;
    if (terminals.all.length === 0 && this.#watched.size === 0) return;
    // One look at the file for all of them: terminals are many, and who types waits meanwhile.
    const users = this.#parts.users.view();
    const watchedNow = [...this.#watched];
    const seen = new Set<string>(peers?.sessions());
    for (const session of openings.sessions()) seen.add(session);
    for (const terminal of terminals.all) {
      for (const { options } of terminal.viewers)
        if (options.sessionId !== undefined) seen.add(options.sessionId);
      if (terminal.ended === undefined && users.get(terminal.user) === undefined) {
        // Removed on the command line: what was theirs goes.
        invites.revokeAll({ user: terminal.user });
        terminal.end();
      }
    }
    const nowMs = Date.now();
    let answers = true;
    for (const [id, watched] of watchedNow) {
      const { session, lookedUpMs } = watched;
      const isNew = lookedUpMs === 0;
      if (userOf({ users }, session) === undefined)
        answers = answers && (await isAnswered(sessions.revoke([session])));
      else if (!this.#isOver(session, nowMs)) {
        if (nowMs - lookedUpMs < LOOKUP_MS || !answers) continue;
        let found: Session | undefined;
        answers = await isAnswered(
          sessions.find(session.secret).then((session) => {
            found = session;
          }),
        );
        if (!answers) continue;
        if (found !== undefined) {
          watched.lookedUpMs = nowMs;
          // Nobody has it open, or somebody has since we looked: that is no reason to end anything.
          if (!seen.has(id) && !isNew && this.#watched.get(id) === watched) this.#watched.delete(id);
          continue;
        }
      }
      // Another socket may have come meanwhile: its session is looked at anew.
      if (this.#watched.get(id) === watched) this.#watched.delete(id);
      terminals.dismiss(({ options }) => options.sessionId === id);
      openings.dismiss((session) => session === id);
      peers?.dismiss((session) => session === id);
    }
  }

  #isOver({ record }: Session, nowMs: number): boolean {
    return nowMs >= record.endMs;
  }
}

/** False when what sessions are kept in is away: they are looked at again when it is back. */
async function isAnswered(asked: Promise<void>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (error instanceof CloudtermError && error.code === "TZ_CLOUDTERM_STORE") return false;
    throw error;
  }
}
