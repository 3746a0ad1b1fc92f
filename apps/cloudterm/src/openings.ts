/** Something that is being opened for a session, and may take seconds: a socket of another gateway, a terminal of an SSH host. */
export interface Opening {
  readonly session: string;
  /** Aborts when the one who asked goes, or the session ends. */
  readonly signal: AbortSignal;
  /** The session ended meanwhile. */
  readonly over: boolean;
  /** It is open, or has failed. */
  done(): void;
}

/** What is being opened. Whoever ends a session breaks it off, so that nothing of the session is there a moment later. */
export class Openings {
  readonly #openings = new Set<Own>();

  /** @param gone aborts when whoever asked goes */
  begin(session: string, gone: AbortSignal): Opening {
    const opening = new Own(session, gone, () => this.#openings.delete(opening));
    this.#openings.add(opening);
    if (gone.aborted) opening.done();
    return opening;
  }

  /** Sessions for which something is being opened. */
  *sessions(): Iterable<string> {
    for (const { session } of this.#openings) yield session;
  }

  dismiss(which: (session: string) => boolean): void {
    for (const opening of [...this.#openings]) if (which(opening.session)) opening.end();
  }
}

class Own implements Opening {
  readonly session: string;
  over = false;
  readonly #controller = new AbortController();
  readonly #gone: AbortSignal;
  readonly #onDone: () => void;
  readonly #onGone = (): void => {
    this.#controller.abort();
    this.done();
  };

  constructor(session: string, gone: AbortSignal, onDone: () => void) {
    this.session = session;
    this.#gone = gone;
    this.#onDone = onDone;
    gone.addEventListener("abort", this.#onGone);
    if (gone.aborted) this.#controller.abort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.over = true;
    this.#controller.abort();
  }

  done(): void {
    this.#gone.removeEventListener("abort", this.#onGone);
    this.#onDone();
  }
}
