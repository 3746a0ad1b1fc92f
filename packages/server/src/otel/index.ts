export type { Around, RequestEvent } from "../observe/request-event.js";
export { type TraceOptions, traceRequests } from "./trace-requests.js";
