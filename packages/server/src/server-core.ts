import { createScanner, METHOD, type PlanMount, RequestHead, type ResponsePlan } from "@tz/http1";
import { RouteMatch, type Router } from "@tz/router";
import type { RequestBody } from "./body/request-body.js";
import { ServerError, type ServerErrorCode } from "./errors.js";
import { whenAnswered } from "./handlers/answered.js";
import { DeferQueue } from "./handlers/defer-queue.js";
import { DependencyValues } from "./handlers/dependency.js";
import { errorReply, statusOfError } from "./handlers/error-reply.js";
import type { Hooks, OnError } from "./handlers/hooks.js";
import { empty } from "./handlers/reply.js";
import type { RequestClient } from "./handlers/request-client.js";
import { isAnswer, type Reply, toPlan } from "./handlers/to-plan.js";
import { AddressCounts } from "./limits/address-counts.js";
import { Admission } from "./limits/admission.js";
import type { Loop, Transport } from "./loop/loop.js";
import { MountTable } from "./mount-table.js";
import { publishLimit } from "./observe/connection-channels.js";
import type { Observer } from "./observe/observer.js";
import { areRequestsWatched } from "./observe/request-channels.js";
import type { RequestEvent } from "./observe/request-event.js";
import type { ResolvedOptions } from "./options.js";
import { AddressSet } from "./proxies/address-set.js";
import type { ProxyHeader } from "./proxies/proxy-header.js";
import { ServerRequest } from "./request.js";
import { errorPlan, methodNotAllowed } from "./response/error-plan.js";
import { StatusPrefixes } from "./response/status-prefix.js";

/** Answers a request: by a plan or by what {@link toPlan} makes one of. */
export type Handler<Params = Readonly<Record<string, unknown>>, Valid = undefined> = (
  request: ServerRequest<Params, Valid>,
) => Reply | Promise<Reply>;

type Params = Readonly<Record<string, unknown>>;

/** Errors that say that a limit was reached. */
const LIMIT_ERRORS = new Set<ServerErrorCode>([
  "TZ_SERVER_BODY_TOO_LARGE",
  "TZ_SERVER_BODY_TIMEOUT",
  "TZ_SERVER_HANDLER_TIMEOUT",
  "TZ_SERVER_RATE",
  "TZ_SERVER_OVERLOADED",
  "TZ_SERVER_DEFER_FULL",
]);

/** What all connections of one loop share. */
export class ServerCore {
  readonly loop: Loop;
  readonly options: ResolvedOptions;
  readonly prefixes: StatusPrefixes;
  /** Of connections over TLS, when their answers say `Strict-Transport-Security`. */
  securePrefixes: StatusPrefixes | undefined;
  hsts: string | undefined;
  readonly mounts = new MountTable();
  readonly idleTicks: number;
  handler: Handler | undefined;
  /** Methods that routes name beside the well-known ones. */
  readonly ownMethods = new Set<string>();
  router: Router<Handler> | undefined;
  readonly match = new RouteMatch<Handler>();
  /** Peers that may speak for others; `undefined` when there are none. */
  readonly trusted: AddressSet | undefined;
  /** What PROXY headers said of their connections. */
  readonly announced = new WeakMap<Transport, ProxyHeader>();
  readonly admission: Admission;
  /** `undefined` when addresses are not counted. */
  readonly addresses: AddressCounts | undefined;
  readonly errorListeners: OnError[] = [];
  /** `undefined` as long as nobody added any: requests then take the short way. */
  hooks: Hooks | undefined;
  readonly deferred: DeferQueue;
  /** Dependencies that live as long as the server. */
  readonly values = new DependencyValues();
  /** Of requests under way that asked: called when their client goes away. Kept here, not in every idle connection. */
  readonly goneListeners = new Map<RequestClient, () => void>();
  /** Counts, when it is asked to (`stats`). */
  observer: Observer | undefined;
  /** Makes the observer when somebody subscribes who was not there at the start. */
  onWatched: (() => Observer) | undefined;
  /** Requests may be sent here: it listens and does not stop soon. */
  ready = false;
  /** The server stops: every answer is its connection's last. */
  draining = false;
  /** Idle connections are closed too: what was promised to stay open stays for a while after {@link draining}. */
  closesIdle = false;
  /** The head that the next request is parsed into. */
  head: RequestHead;

  constructor(loop: Loop, options: ResolvedOptions) {
    this.loop = loop;
    this.options = options;
    this.prefixes = new StatusPrefixes(loop.memory);
    this.prefixes.refresh(loop.wallMs);
    this.idleTicks = Math.ceil(options.idleTimeoutMs / options.tickMs);
    this.head = this.#newHead();
    this.trusted = options.trustedProxies.length === 0 ? undefined : new AddressSet(options.trustedProxies);
    this.admission = new Admission(options);
    const { maxConnectionsPerAddress } = options;
    this.addresses = maxConnectionsPerAddress > 0 ? new AddressCounts(maxConnectionsPerAddress) : undefined;
    this.deferred = new DeferQueue(options, (error) => this.reportError(error));
  }

  /** @param hsts the value of `Strict-Transport-Security` for connections over TLS that come from now on */
  useHsts(hsts: string | undefined): void {
    if (hsts === this.hsts) return;
    this.hsts = hsts;
    this.securePrefixes =
      hsts === undefined
        ? undefined
        : new StatusPrefixes(this.loop.memory, `Strict-Transport-Security: ${hsts}\r\n`);
  }

  /** A coarse clock in units of `tickMs`: small integers, cheap to keep and compare. */
  get tick(): number {
    return (this.loop.nowMs / this.options.tickMs) | 0;
  }

  /** Who follows the request that was just read: without figures, log and subscribers nobody. */
  get follower(): Observer | undefined {
    return this.observer ?? (areRequestsWatched() ? this.onWatched?.() : undefined);
  }

  /** {@link answer}, within what subscribers to a request's beginning put around it. */
  answerWithin(
    event: RequestEvent,
    head: RequestHead,
    length: number,
    body: RequestBody | null,
    client: RequestClient,
  ): ResponsePlan | Promise<ResponsePlan> {
    return event.run(() => this.answer(head, length, body, client));
  }

  /**
   * Finds who answers a request: a route, then a mount, then the handler.
   * @param length bytes of the head, from its first line to its empty line
   */
  answer(
    head: RequestHead,
    length: number,
    body: RequestBody | null,
    client: RequestClient,
  ): ResponsePlan | Promise<ResponsePlan> {
    const { router, match } = this;
    if (router !== undefined) {
      router.matchBytes(head.method, head.bytes, head.targetStart, head.targetEnd, match);
      if (match.outcome === "found") {
        const { value, pattern } = match.route!;
        this.observer?.route(pattern);
        const params: Params | undefined = match.paramCount === 0 ? undefined : match.params();
        return this.#call(value, new ServerRequest(this, head, length, body, client, params, pattern));
      }
    }
    const known = head.methodId !== METHOD.other || this.ownMethods.has(head.method);
    const mount: PlanMount | undefined = known ? this.mounts.find(head) : undefined;
    if (mount !== undefined) this.observer?.mount(mount);
    if (mount !== undefined && this.hooks === undefined) {
      const plan = mount.plan(head);
      if (plan instanceof Promise) this.lend(head, length);
      return plan;
    }
    // RFC 9110 §9.3.6: behind a 2xx the client would take the connection for a tunnel, and there is none.
    if (mount === undefined && head.methodId === METHOD.CONNECT) return errorPlan(501, true);
    if (mount === undefined && this.handler !== undefined) this.observer?.handler();
    const handler =
      mount === undefined ? this.#fallback(known) : (request: ServerRequest) => mount.plan(request.head);
    if (typeof handler !== "function" && this.hooks === undefined) return handler;
    return this.#call(
      typeof handler === "function" ? handler : () => handler,
      new ServerRequest<Params>(this, head, length, body, client, undefined, undefined),
    );
  }

  /** Who answers what neither a route nor a mount claims, or the answer itself. */
  #fallback(methodKnown: boolean): Handler | ResponsePlan {
    // RFC 9110 §9.1: 501 for a method that nobody here knows, 405 for one that this resource does not take.
    if (!methodKnown && this.handler === undefined) return errorPlan(501, false);
    if (this.router !== undefined) {
      const { outcome, allow, status } = this.match;
      if (outcome === "options") return empty(204, ["Allow", allow]);
      if (outcome === "method-not-allowed") return methodNotAllowed(allow);
      if (outcome !== "not-found") return errorPlan(status, false);
    }
    return this.handler ?? errorPlan(404, false);
  }

  #call(handler: Handler, request: ServerRequest): ResponsePlan | Promise<ResponsePlan> {
    let plan: ResponsePlan | Promise<ResponsePlan>;
    // Nobody's answer waits for a handler.
    this.loop.deferred?.flush();
    try {
      if (this.admission.full) return this.#callInTurn(handler, request);
      const { hooks } = this;
      const reply = hooks === undefined ? handler(request) : this.#throughHooks(hooks, handler, request);
      plan = reply instanceof Promise ? reply.then(toPlan) : toPlan(reply);
    } catch (error) {
      plan = this.answerError(error, request);
    }
    if (plan instanceof Promise) {
      request.keep();
      this.admission.enter();
      return this.#finishLater(request, plan);
    }
    // A stream or an upgrade goes on after the handler's return and may need its request.
    if (plan.body.kind === "stream" || plan.upgrade !== undefined) request.keep();
    else request.giveBack();
    return request.ends === undefined ? plan : endingWith(plan, request);
  }

  /** All places are taken: the request waits for one. @throws ServerError `TZ_SERVER_OVERLOADED` */
  #callInTurn(handler: Handler, request: ServerRequest): Promise<ResponsePlan> {
    const turn = this.admission.wait();
    request.keep();
    const plan = turn.then(async () => {
      const { hooks } = this;
      return toPlan(
        await (hooks === undefined ? handler(request) : this.#throughHooks(hooks, handler, request)),
      );
    });
    return this.#finishLater(request, plan);
  }

  #throughHooks(
    hooks: Hooks,
    handler: Handler,
    request: ServerRequest,
  ): ResponsePlan | Promise<ResponsePlan> {
    const inner = (): ResponsePlan | Promise<ResponsePlan> => {
      const reply = handler(request);
      return reply instanceof Promise ? reply.then(toPlan) : toPlan(reply);
    };
    return hooks.run(request, inner, (error) => this.answerError(error, request));
  }

  async #finishLater(request: ServerRequest, promise: Promise<ResponsePlan>): Promise<ResponsePlan> {
    let plan: ResponsePlan;
    try {
      plan = await promise;
    } catch (error) {
      plan = await this.answerError(error, request);
    } finally {
      this.admission.leave();
    }
    return request.ends === undefined ? plan : endingWith(plan, request);
  }

  /** The answer to a request whose handler failed: what a listener says, or the error's own. */
  answerError(error: unknown, request: ServerRequest): ResponsePlan | Promise<ResponsePlan> {
    const status = statusOfError(error);
    const replies = this.#tell(error, request, status, request.sender);
    if (replies.some((reply) => reply instanceof Promise)) {
      return Promise.all(replies).then((settled) => firstAnswer(settled) ?? errorReply(error, status));
    }
    return firstAnswer(replies) ?? errorReply(error, status);
  }

  /** The answer when something outside of a handler failed. */
  failed(error: unknown, client: RequestClient): ResponsePlan {
    const status = statusOfError(error);
    this.#tell(error, undefined, status, client);
    return errorReply(error, status);
  }

  /** @param client of the request whose answer it concerns, if it does */
  reportError(error: unknown, client?: RequestClient): void {
    this.#tell(error, undefined, 0, client);
  }

  #tell(
    error: unknown,
    request: ServerRequest | undefined,
    status: number,
    client: RequestClient | undefined,
  ): unknown[] {
    this.observer?.errored(error, client);
    if (error instanceof ServerError && LIMIT_ERRORS.has(error.code)) {
      publishLimit(error.code, error.message, client);
    }
    return this.errorListeners.map((listener) => {
      try {
        const reply = listener(error, request, status);
        // Handled here: a listener that fails has nothing to say, and nobody waits for it.
        return reply instanceof Promise ? reply.catch(() => undefined) : reply;
      } catch {
        return undefined;
      }
    });
  }

  /** Makes a head that was just parsed outlive the next receive. */
  lend(head: RequestHead, length: number): void {
    head.detach(length);
    if (this.head === head) this.head = this.#newHead();
  }

  #newHead(): RequestHead {
    const { memory } = this.loop;
    const { maxRequestLineBytes, maxHeadBytes, maxFields } = this.options;
    this.#scanner ??= createScanner({ memory: memory.memory, tableOffset: memory.tableOffset });
    return new RequestHead(this.#scanner, { maxRequestLineBytes, maxHeadBytes, maxFields });
  }

  #scanner: ReturnType<typeof createScanner> | undefined;
}

function firstAnswer(replies: readonly unknown[]): ResponsePlan | undefined {
  const answer = replies.find(isAnswer);
  return answer === undefined ? undefined : toPlan(answer);
}

function endingWith(plan: ResponsePlan, request: ServerRequest): ResponsePlan {
  return whenAnswered(plan, () => {
    for (const end of [...(request.ends ?? [])].reverse()) end();
  });
}
