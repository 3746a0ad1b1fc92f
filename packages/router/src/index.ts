export { PARAM_TYPES, type ParamTypeName, type ParamValue } from "./constraint.js";
export { ROUTER_ERROR_CODES, RouterError, type RouterErrorCode } from "./errors.js";
export { OUTCOME_STATUS, type Outcome, RouteMatch } from "./match.js";
export { ANY_METHOD } from "./methods.js";
export { ROUTER_LIMITS, ROUTER_OPTIONS, type RouterOptions } from "./options.js";
export type { ParamsOf } from "./params-of.js";
export { Route } from "./route.js";
export { Router } from "./router.js";
