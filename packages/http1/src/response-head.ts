/** Status and fields of an answer, encoded once and sent many times. First version; owner: @tz/http1. */
export class ResponseHead {
  readonly status: number;
  /** Flat list: name, value, name, value … */
  readonly fields: readonly string[];
  #bytes: Uint8Array | undefined;

  constructor(status: number, fields: readonly string[]) {
    this.status = status;
    this.fields = fields;
  }

  /** `Name: value CRLF … CRLF`: all that follows the status line, `Date` and `Connection`, with the empty line. */
  get bytes(): Uint8Array {
    if (this.#bytes === undefined) {
      let text = "";
      for (let i = 0; i < this.fields.length; i += 2) text += `${this.fields[i]}: ${this.fields[i + 1]}\r\n`;
      this.#bytes = Buffer.from(`${text}\r\n`, "latin1");
    }
    return this.#bytes;
  }
}
