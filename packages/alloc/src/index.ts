export { ALLOC_ERROR_CODES, AllocError, type AllocErrorCode } from "./errors.js";
export { ALLOC_OPTIONS, type NumberRule } from "./options.js";
export { DELAY_MS_MAX, TimerWheel, type TimerWheelOptions, WheelTimer } from "./timer-wheel.js";
