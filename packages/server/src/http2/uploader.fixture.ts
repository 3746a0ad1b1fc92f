/** A client's upload over raw frames that keeps to the windows that the server gives it. */
import { data, type FrameClient, headers, request } from "./frame-client.fixture.js";
import { DEFAULT_WINDOW, FLAG, FRAME, MAX_FRAME_BYTES } from "./frames/frame.js";

/** The connection's window, for all uploads of a client. */
export class UploadWindow {
  readonly client: FrameClient;
  readonly #given = new Map<number, number>();
  #seen = 0;

  constructor(client: FrameClient) {
    this.client = client;
  }

  /** What the server has given, beyond the window at the start. @param stream 0: for the connection */
  given(stream: number): number {
    for (; this.#seen < this.client.frames.length; this.#seen++) {
      const { type, id, payload } = this.client.frames[this.#seen]!;
      if (type === FRAME.windowUpdate) {
        this.#given.set(id, (this.#given.get(id) ?? 0) + payload.readUInt32BE(0));
      }
    }
    return this.#given.get(stream) ?? 0;
  }

  sent = 0;

  get left(): number {
    return DEFAULT_WINDOW + this.given(0) - this.sent;
  }
}

export class Upload {
  readonly id: number;
  readonly #window: UploadWindow;
  readonly #body: Uint8Array;
  sent = 0;

  constructor(window: UploadWindow, id: number, path: string, body: Uint8Array) {
    this.#window = window;
    this.id = id;
    this.#body = body;
    const length = String(body.byteLength);
    window.client.send(headers(id, request("POST", path, "content-length", length), FLAG.endHeaders));
  }

  get left(): number {
    return this.#body.byteLength - this.sent;
  }

  /** The next frame, to be sent; `undefined` when the windows do not let it. */
  frame(mostBytes = MAX_FRAME_BYTES): Buffer | undefined {
    const window = this.#window;
    const room = Math.min(window.left, DEFAULT_WINDOW + window.given(this.id) - this.sent);
    const length = Math.min(MAX_FRAME_BYTES, mostBytes, room, this.left);
    if (length <= 0) return undefined;
    const payload = this.#body.subarray(this.sent, this.sent + length);
    this.sent += length;
    window.sent += length;
    return data(this.id, payload, this.left === 0 ? FLAG.endStream : 0);
  }

  /** Sends a frame, in records of at most `recordBytes`. @returns `false` when the windows do not let it */
  step(recordBytes: number, mostBytes?: number): boolean {
    const bytes = this.frame(mostBytes);
    if (bytes === undefined) return false;
    for (let at = 0; at < bytes.byteLength; at += recordBytes) {
      this.#window.client.send(bytes.subarray(at, at + recordBytes));
    }
    return true;
  }

  /** Sends as much as the windows let, until the server has said twice that it has nothing to add. */
  async fill(recordBytes: number): Promise<void> {
    for (let quiet = 0; quiet < 2 && this.left > 0; ) {
      if (this.step(recordBytes)) quiet = 0;
      else {
        quiet++;
        await this.#window.client.alive();
      }
    }
  }

  /** Sends all of it. */
  async finish(recordBytes: number): Promise<void> {
    const { client } = this.#window;
    while (this.left > 0) {
      const { length } = client.frames;
      if (!this.step(recordBytes)) await client.frame(() => client.frames.length > length);
    }
  }
}
