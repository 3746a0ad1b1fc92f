/**
 * The chunks of a web stream. Its own iterator cannot be ended while a read waits; its reader can be cancelled.
 * Nothing is locked before the first chunk is asked for.
 */
export class ReaderChunks implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #stream: ReadableStream<Uint8Array>;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#stream = stream;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#reader ??= this.#stream.getReader();
    const { done, value } = await this.#reader.read();
    return done ? { done: true, value: undefined } : { done: false, value };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    // Nobody is left who could be told that its end failed.
    await (this.#reader ?? this.#stream).cancel().catch(() => {});
    return { done: true, value: undefined };
  }
}
