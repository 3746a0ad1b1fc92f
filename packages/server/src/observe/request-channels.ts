import { channel } from "node:diagnostics_channel";

/** A request was read; its answer is made within the channel's stores (`bindStore`). Message: {@link RequestEvent}. */
export const requestStart = channel("tz:server:request:start");
/** The last byte of its answer has left, or its client has. The same message. */
export const requestEnd = channel("tz:server:request:end");
/** A handler, hook, mount or stream of it failed. The same message. */
export const requestError = channel("tz:server:request:error");

export const areRequestsWatched = (): boolean =>
  requestStart.hasSubscribers || requestEnd.hasSubscribers || requestError.hasSubscribers;
