import type { Session } from "@tz/cloudterm";
import type { ResponsePlan } from "@tz/http1";
import type { ServerRequest } from "@tz/server";
import type { GatewayParts } from "../gateway-parts.js";
import { identityOf } from "../request-guard.js";

export type OfTerminal = ServerRequest<{ readonly id: string }, unknown>;

/**
 * Lets the gateway that has the terminal answer: this one, or another on the same Redis.
 * @param onForward before a request is passed on
 */
export function atHome<Request extends OfTerminal>(
  { terminals, peers }: GatewayParts,
  handler: (request: Request) => Promise<ResponsePlan>,
  onForward: (session: Session) => void = () => {},
): (request: Request) => Promise<ResponsePlan> {
  if (peers === undefined) return handler;
  return async (request) => {
    if (terminals.get(request.params.id) === undefined) {
      const { session } = identityOf(request);
      const claims = { session: session.record, address: request.client.address };
      onForward(session);
      const answer = await peers.forward(request as unknown as ServerRequest, request.params.id, claims);
      if (answer !== undefined) return answer;
    }
    return handler(request);
  };
}
