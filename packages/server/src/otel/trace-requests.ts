import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { ServerError } from "../errors.js";
import { requestEnd, requestStart } from "../observe/request-channels.js";
import type { RequestEvent } from "../observe/request-event.js";
import { answerAttributes, requestAttributes, spanName } from "./request-attributes.js";

export interface TraceOptions {
  /** Default: the global one (`trace.setGlobalTracerProvider`, `NodeSDK.start`). */
  readonly tracerProvider?: TracerProvider;
  /** Requests that get no span and do not touch the context: health checks, say. */
  readonly ignore?: (event: RequestEvent) => boolean;
  /** Fields of requests that spans tell as `http.request.header.NAME`. None by default: fields hold secrets. */
  readonly requestFields?: readonly string[];
}

const NAMES = ["tracerProvider", "ignore", "requestFields"];

const FIELDS_OF = {
  get: (event: RequestEvent, name: string): string | undefined => event.field(name),
  keys: (event: RequestEvent): string[] => event.fieldNames(),
};

/**
 * Makes a server span of every request of every server of this process, in HTTP/1.1 and HTTP/2. The trace that a client
 * began (`traceparent`, or what the global propagator reads) goes on in it, and the span is the active one while the
 * handler works: what it calls, and what those call, belongs to it.
 *
 * ```ts
 * import { traceRequests } from "@tz/server/otel";
 *
 * new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] }).register();
 * traceRequests();
 * ```
 * @returns stops it
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function traceRequests(options: TraceOptions = {}): () => void {
  check(options);
  const { tracerProvider, ignore, requestFields = [] } = options;
  const fields = requestFields.map((name) => name.toLowerCase());
  const spans = new WeakMap<RequestEvent, Span>();

  const onStart = (message: unknown): void => {
    const event = message as RequestEvent;
    if (ignore?.(event) === true) return;
    const parent = propagation.extract(ROOT_CONTEXT, event, FIELDS_OF);
    const tracer = (tracerProvider ?? trace.getTracerProvider()).getTracer("@tz/server");
    const attributes = requestAttributes(event, fields);
    const span = tracer.startSpan(spanName(event), { kind: SpanKind.SERVER, attributes }, parent);
    spans.set(event, span);
    event.around((call) => context.with(trace.setSpan(parent, span), call));
  };
  const onEnd = (message: unknown): void => {
    const event = message as RequestEvent;
    const span = spans.get(event);
    if (span === undefined) return;
    const { status, error } = event;
    span.updateName(spanName(event));
    span.setAttributes(answerAttributes(event));
    // An error of the client's making (4xx) is no error of the server.
    if (error !== undefined && (status === undefined || status >= 500)) {
      span.recordException(error instanceof Error ? error : String(error));
    }
    if (status !== undefined && status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  };
  subscribe(requestStart.name, onStart);
  subscribe(requestEnd.name, onEnd);
  return () => {
    unsubscribe(requestStart.name, onStart);
    unsubscribe(requestEnd.name, onEnd);
  };
}

function check({ ignore, requestFields, ...others }: TraceOptions): void {
  for (const name of Object.keys(others)) {
    if (!NAMES.includes(name)) {
      throw new ServerError("TZ_SERVER_OPTION", `unknown option ${name}; allowed: ${NAMES.join(", ")}`);
    }
  }
  if (ignore !== undefined && typeof ignore !== "function") {
    throw new ServerError("TZ_SERVER_OPTION", `ignore is ${String(ignore)}; allowed: a function`);
  }
  const isList = Array.isArray(requestFields) && requestFields.every((name) => typeof name === "string");
  if (requestFields !== undefined && !isList) {
    throw new ServerError(
      "TZ_SERVER_OPTION",
      `requestFields is ${String(requestFields)}; allowed: a list of names`,
    );
  }
}
