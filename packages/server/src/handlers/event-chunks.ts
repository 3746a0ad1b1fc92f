/** What `sse()` sends; WHATWG HTML §9.2. */
export interface ServerSentEvent {
  readonly data: string;
  readonly event?: string;
  readonly id?: string;
  /** How long the browser waits before it connects again. */
  readonly retryMs?: number;
}

/** A comment: clients drop it, and a connection that is gone is found. */
const HEARTBEAT = Buffer.from(":\n\n", "latin1");
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

type Result = IteratorResult<Uint8Array, undefined>;

/**
 * Events as bytes, and a heartbeat where none comes for a while. It can be ended at any time, also while it waits for
 * its source: a generator could not.
 *
 * ```
 *   source.next() ──▶ arrives: an event        one wait for the source, however many heartbeats pass
 *        timer    ──▶ fires: a heartbeat
 * ```
 */
export class EventChunks implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<ServerSentEvent>;
  readonly #heartbeatMs: number;
  #asked = false;
  #arrived: IteratorResult<ServerSentEvent> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #over = false;
  #wake: (() => void) | undefined;

  /** @param heartbeatMs 0 for none */
  constructor(events: AsyncIterable<ServerSentEvent>, heartbeatMs: number) {
    this.#source = events[Symbol.asyncIterator]();
    this.#heartbeatMs = heartbeatMs;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Result> {
    if (this.#over) return DONE;
    this.#ask();
    if (this.#arrived === undefined && this.#failure === undefined) await this.#wait();
    if (this.#over) return DONE;
    if (this.#failure !== undefined) throw this.#failure.error;
    const arrived = this.#arrived;
    if (arrived === undefined) return { done: false, value: HEARTBEAT };
    this.#arrived = undefined;
    this.#asked = false;
    return arrived.done === true ? DONE : { done: false, value: eventBytes(arrived.value) };
  }

  async return(): Promise<Result> {
    this.#over = true;
    this.#wake?.();
    const ended = this.#source.return?.();
    // A source that is waiting answers when it has waited: nobody waits with it.
    if (this.#asked) ended?.catch(() => {});
    else await ended;
    return DONE;
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#source.next().then(
      (result) => {
        this.#arrived = result;
        this.#wake?.();
      },
      (error: unknown) => {
        this.#failure = { error };
        this.#wake?.();
      },
    );
  }

  /** Until an event, the end, or the time for a heartbeat. */
  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#heartbeatMs > 0 ? setTimeout(resolve, this.#heartbeatMs) : undefined;
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function eventBytes({ data, event, id, retryMs }: ServerSentEvent): Uint8Array {
  let text = "";
  if (event !== undefined) text += `event: ${oneLine("event", event)}\n`;
  if (id !== undefined) text += `id: ${oneLine("id", id)}\n`;
  if (retryMs !== undefined) text += `retry: ${retryMs}\n`;
  for (const line of data.split(/\r\n|\r|\n/)) text += `data: ${line}\n`;
  return Buffer.from(`${text}\n`);
}

function oneLine(name: string, value: string): string {
  if (/[\r\n\0]/.test(value))
    throw new TypeError(`sse(): ${name} ${JSON.stringify(value)} must not hold a line break or NUL`);
  return value;
}
