import type { ResponsePlan } from "@tz/http1";
import { ServerError } from "../errors.js";
import { TokenBuckets } from "../limits/token-buckets.js";
import { ROUTE_OPTIONS } from "../options.js";
import type { ServerRequest } from "../request.js";
import { dropPlan } from "../response/unsent-plan.js";
import type { Handler } from "../server-core.js";
import type { StandardSchema } from "../validation/standard-schema.js";
import { pointerOf } from "../validation/standard-schema.js";
import { Validator } from "../validation/validator.js";
import { compose } from "./hooks.js";
import { json } from "./reply.js";
import { checkRouteOptions, type RouteOptions } from "./route-options.js";
import { sent } from "./sending.js";
import { isAnswer, type Reply, toPlan } from "./to-plan.js";

type Step = (request: ServerRequest) => Reply | Promise<Reply>;

/**
 * A handler with what its route asked for around it; an option that is not there costs nothing.
 *
 * ```
 *   rate ▶ body limit ▶ timeout ▶ middleware ▶ schemas ▶ handler ▶ response schema ▶ serializer ▶ middleware ▶ tag ▶ coding
 * ```
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function routeHandler(options: RouteOptions, handler: Handler): Handler {
  checkRouteOptions(options);
  const {
    params,
    query,
    headers,
    body,
    response,
    stringify,
    use,
    maxBodyBytes,
    timeoutMs,
    ratePerSecond,
    etag,
    compress,
  } = options;
  let step: Step = handler;
  if (response !== undefined || stringify !== undefined) step = answering(step, response, stringify);
  if ([params, query, headers, body].some((schema) => schema !== undefined)) {
    step = validating(step, new Validator(options));
  }
  if (use !== undefined && use.length > 0) step = within(step, use);
  if (etag === true || compress === true) step = sending(step, etag === true, compress === true, options);
  if (timeoutMs !== undefined && timeoutMs > 0) step = timed(step, timeoutMs);
  if (maxBodyBytes !== undefined) step = limited(step, maxBodyBytes);
  if (ratePerSecond !== undefined && ratePerSecond > 0) step = throttled(step, options, ratePerSecond);
  return step;
}

function validating(step: Step, validator: Validator): Step {
  return (request) => {
    const valid = validator.check(request);
    if (valid instanceof Promise) {
      return valid.then((values) => {
        setValid(request, values);
        return step(request);
      });
    }
    setValid(request, valid);
    return step(request);
  };
}

function setValid(request: ServerRequest, values: object): void {
  (request as { valid: unknown }).valid = values;
}

function answering(
  step: Step,
  schema: StandardSchema | undefined,
  stringify: ((value: never) => string) | undefined,
): Step {
  const options = stringify === undefined ? {} : { stringify };
  const write = (value: unknown): Reply =>
    stringify === undefined ? toPlan(value as Reply) : json(value, options);
  const check = (reply: Reply): Reply | Promise<Reply> => {
    if (isAnswer(reply)) return reply;
    if (schema === undefined) return write(reply);
    const result = schema["~standard"].validate(reply);
    if (result instanceof Promise) return result.then((settled) => write(fitting(settled)));
    return write(fitting(result));
  };
  return (request) => {
    const reply = step(request);
    return reply instanceof Promise ? reply.then(check) : check(reply);
  };
}

function fitting(result: Awaited<ReturnType<StandardSchema["~standard"]["validate"]>>): unknown {
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ path, message }) => `${pointerOf(path)}: ${message}`).join("; ");
  throw new ServerError(
    "TZ_SERVER_INVALID_RESPONSE",
    `the handler's value does not fit its schema: ${issues}`,
  );
}

function within(step: Step, use: NonNullable<RouteOptions["use"]>): Step {
  const composed = compose(use);
  const inner = (request: ServerRequest): ResponsePlan | Promise<ResponsePlan> => {
    const reply = step(request);
    return reply instanceof Promise ? reply.then(toPlan) : toPlan(reply);
  };
  return (request) => composed(request, inner);
}

function sending(step: Step, etag: boolean, compress: boolean, options: RouteOptions): Step {
  const minBytes = options.compressMinBytes ?? ROUTE_OPTIONS.compressMinBytes.default;
  const finish = (request: ServerRequest, reply: Reply): ResponsePlan | Promise<ResponsePlan> =>
    sent(request, toPlan(reply), etag, compress ? minBytes : undefined);
  return (request) => {
    const reply = step(request);
    return reply instanceof Promise
      ? reply.then((settled) => finish(request, settled))
      : finish(request, reply);
  };
}

function limited(step: Step, maxBytes: number): Step {
  return (request) => {
    request.body?.limit(maxBytes);
    return step(request);
  };
}

function timed(step: Step, timeoutMs: number): Step {
  return (request) => {
    const reply = step(request);
    if (!(reply instanceof Promise)) return reply;
    return new Promise<ResponsePlan>((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        const error = new ServerError(
          "TZ_SERVER_HANDLER_TIMEOUT",
          `no answer within timeoutMs = ${timeoutMs}`,
        );
        request.abort(error);
        reject(error);
      }, timeoutMs);
      reply.then(toPlan).then(
        (plan) => {
          clearTimeout(timer);
          // Nobody will send it: what it holds is given back here.
          if (late) dropPlan(plan);
          else resolve(plan);
        },
        (error: unknown) => {
          clearTimeout(timer);
          reject(error);
        },
      );
    });
  };
}

function throttled(step: Step, options: RouteOptions, perSecond: number): Step {
  const burst = options.rateBurst ?? perSecond;
  const buckets = new TokenBuckets(perSecond, burst, options.rateKeys ?? ROUTE_OPTIONS.rateKeys.default);
  const keyOf = options.rateKey ?? ((request: ServerRequest) => request.client.address);
  return (request) => {
    const waitMs = buckets.take(keyOf(request), request.nowMs);
    if (waitMs === 0) return step(request);
    throw new ServerError("TZ_SERVER_RATE", `more than ratePerSecond = ${perSecond}`, {
      fields: ["Retry-After", String(Math.ceil(waitMs / 1000))],
    });
  };
}
