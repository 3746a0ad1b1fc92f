/**
 * Where a connection writes: a socket, a TLS stream, a test. The one thing that a driver implements.
 *
 * A sink does not call back into a connection from inside these methods.
 */
export interface Sink {
  /**
   * Takes bytes from the front of `chunk`. The memory is reused when the call returns: what is taken must be
   * sent or copied by then.
   *
   * @returns how many bytes it took. Fewer than all is back-pressure: the connection keeps the rest and waits
   *   for `writable()`.
   */
  write(chunk: Uint8Array): number;
  /** The same for `bytes[start, end)`, for drivers that want no view made. Used instead of `write` when there. */
  writeRange?(bytes: Uint8Array, start: number, end: number): number;
  /**
   * No more bytes will be written: end the transport in good order after those that were taken. What still
   * arrives is to be read and dropped for a moment, since closing a socket with unread bytes resets it and may
   * cost the peer our Close frame.
   */
  close(): void;
  /** End the transport at once. Default: `close`. */
  abort?(): void;
  /** Stop reading: what is fed nevertheless is kept, without a bound. */
  pause?(): void;
  /** Read again. */
  resume?(): void;
}
