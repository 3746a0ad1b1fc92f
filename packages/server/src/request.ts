import type { FieldId, PlanRequest, RequestHead } from "@tz/http1";
import type { RequestBody } from "./body/request-body.js";
import type { Transport } from "./loop/loop.js";

/** No route has matched. */
const NO_PARAMS: Readonly<Record<string, never>> = Object.freeze(Object.create(null));

/** A request as a handler sees it; valid as long as the handler wants to keep it. */
export class ServerRequest<Params = Readonly<Record<string, unknown>>> {
  readonly #head: RequestHead;
  /** The request body; `null` when the request has none. */
  readonly body: RequestBody | null;
  /** What the route's pattern captured, percent-decoded once and in its type: `/users/:id(int)` → `{ id: 42 }`. */
  readonly params: Params;
  readonly #transport: Transport;

  /** @param head a head of its own, already detached from the receive memory */
  constructor(
    head: RequestHead,
    body: RequestBody | null,
    transport: Transport,
    params: Params = NO_PARAMS as Params,
  ) {
    this.#head = head;
    this.body = body;
    this.#transport = transport;
    this.params = params;
  }

  /** The request as a mount takes it: `mount.plan(request.head)` hands it on. */
  get head(): PlanRequest {
    return this.#head;
  }

  /** Address of the peer; empty for Unix sockets. */
  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }

  get method(): string {
    return this.#head.method;
  }

  get target(): string {
    return this.#head.target;
  }

  /** The target without its query. */
  get path(): string {
    const { target } = this.#head;
    const query = target.indexOf("?");
    return query < 0 ? target : target.slice(0, query);
  }

  /** The query as WHATWG URL parameters. */
  get query(): URLSearchParams {
    const { target } = this.#head;
    const query = target.indexOf("?");
    return new URLSearchParams(query < 0 ? "" : target.slice(query + 1));
  }

  get minorVersion(): number {
    return this.#head.minorVersion;
  }

  get fieldMask(): number {
    return this.#head.fieldMask;
  }

  /** The client asks to change the protocol (`Upgrade` and `Connection: upgrade`). */
  get upgrade(): boolean {
    return this.#head.upgrade;
  }

  field(name: FieldId | string): string | undefined {
    return this.#head.field(name);
  }

  /** The whole body; empty when there is none. Throws as `RequestBody.bytes`. */
  async bytes(): Promise<Uint8Array> {
    return this.body === null ? new Uint8Array(0) : this.body.bytes();
  }

  /** The body as UTF-8 text. Throws as `RequestBody.bytes`. */
  async text(): Promise<string> {
    return this.body === null ? "" : this.body.text();
  }

  /**
   * The body as JSON.
   * @throws SyntaxError with `status` 400 when it is none; otherwise as `RequestBody.bytes`
   */
  async json(): Promise<unknown> {
    const text = await this.text();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw Object.assign(error as SyntaxError, { status: 400 });
    }
  }
}
