import type { TicketStore } from "@tz/cloudterm";

export const SETUP_PURPOSE = "setup";
const SETUP_MS = 60 * 60_000;

/**
 * A link that lets whoever opens it first set the administrator's password, once and within an hour. The ticket stands
 * behind `#`: browsers send that to nobody.
 */
export async function setupLink(tickets: TicketStore, url: string): Promise<string> {
  const ticket = await tickets.put(SETUP_PURPOSE, "", SETUP_MS);
  return `${url}#setup=${ticket}`;
}
