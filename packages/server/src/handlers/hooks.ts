import type { ResponsePlan } from "@tz/http1";
import type { ServerRequest } from "../request.js";
import { dropPlan } from "../response/unsent-plan.js";
import { checkFinal, isAnswer, isPlan, type Reply, toPlan } from "./to-plan.js";

/** Sees a request before it is answered. A plan or a `Response` answers it; anything else lets it go on. */
export type OnRequest = (request: ServerRequest) => unknown;

/**
 * Sees an answer before it leaves. A plan replaces it, and takes over the `release` of the one that it replaces;
 * anything else leaves it as it is.
 */
export type OnSend = (request: ServerRequest, plan: ResponsePlan) => unknown;

/**
 * Sees an error. A plan or a `Response` answers the request in place of the default answer.
 * @param request the request that failed; `undefined` for errors outside of one (streams, deferred tasks)
 * @param status the status that it would be answered with; 0 outside of a request
 */
export type OnError = (error: unknown, request: ServerRequest | undefined, status: number) => unknown;

/**
 * Wraps what follows: other middleware, then the route, mount or handler. `next()` answers with a plan and may be
 * called once; a middleware that does not call it answers alone.
 */
export type Middleware = (request: ServerRequest, next: Next) => Reply | Promise<Reply>;
export type Next = () => Promise<ResponsePlan>;

/** What answers a request at the inside of all middleware. */
export type Inner = (request: ServerRequest) => ResponsePlan | Promise<ResponsePlan>;

/**
 * One function out of several, run in order: the first sees the request first and the answer last.
 * A second `next()` of one middleware rejects with an Error.
 */
export function compose(
  middleware: readonly Middleware[],
): (request: ServerRequest, inner: Inner) => ResponsePlan | Promise<ResponsePlan> {
  const from = (at: number, request: ServerRequest, inner: Inner): ResponsePlan | Promise<ResponsePlan> => {
    if (at === middleware.length) return inner(request);
    let called = false;
    const reply = middleware[at]!(request, async () => {
      if (called) throw new Error("next() was called twice");
      called = true;
      return from(at + 1, request, inner);
    });
    return reply instanceof Promise ? reply.then(toPlan) : toPlan(reply);
  };
  return (request, inner) => from(0, request, inner);
}

/** The hooks of a server. A server without any does not make one. */
export class Hooks {
  readonly onRequest: OnRequest[] = [];
  readonly onSend: OnSend[] = [];
  readonly middleware: Middleware[] = [];
  readonly #composed = compose(this.middleware);

  /** Stays synchronous as long as every hook is: a request that is answered at once costs no promise. */
  run(
    request: ServerRequest,
    inner: Inner,
    failed: (error: unknown) => ResponsePlan | Promise<ResponsePlan>,
  ): ResponsePlan | Promise<ResponsePlan> {
    let plan: ResponsePlan | Promise<ResponsePlan>;
    try {
      plan = this.#answer(request, inner, 0);
    } catch (error) {
      plan = failed(error);
    }
    if (plan instanceof Promise) {
      return plan.catch(failed).then((settled) => this.#send(request, settled, 0));
    }
    return this.#send(request, plan, 0);
  }

  #answer(request: ServerRequest, inner: Inner, from: number): ResponsePlan | Promise<ResponsePlan> {
    const { onRequest } = this;
    for (let i = from; i < onRequest.length; i++) {
      const reply = onRequest[i]!(request);
      if (reply instanceof Promise) {
        return reply.then((settled) =>
          isAnswer(settled) ? toPlan(settled) : this.#answer(request, inner, i + 1),
        );
      }
      if (isAnswer(reply)) return toPlan(reply);
    }
    return this.#composed(request, inner);
  }

  #send(request: ServerRequest, plan: ResponsePlan, from: number): ResponsePlan | Promise<ResponsePlan> {
    const { onSend } = this;
    for (let i = from; i < onSend.length; i++) {
      let changed: unknown;
      try {
        changed = onSend[i]!(request, plan);
      } catch (error) {
        dropPlan(plan);
        throw error;
      }
      if (changed instanceof Promise) {
        const before = plan;
        return changed.then(
          (settled) => this.#send(request, isPlan(settled) ? checkFinal(settled) : before, i + 1),
          (error: unknown) => {
            dropPlan(before);
            throw error;
          },
        );
      }
      if (isPlan(changed)) plan = checkFinal(changed);
    }
    return plan;
  }
}
