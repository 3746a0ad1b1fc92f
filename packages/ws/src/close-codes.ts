/** Status codes of the closing handshake, RFC 6455 §7.4.1 and the IANA registry. */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  /** Reported when the peer's Close carried no code; never sent. */
  noStatus: 1005,
  /** Reported when the connection ended without a Close; never sent. */
  abnormal: 1006,
  invalidPayload: 1007,
  policyViolation: 1008,
  messageTooBig: 1009,
  mandatoryExtension: 1010,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
  badGateway: 1014,
} as const;

/**
 * True for a code that a Close frame may carry: the registered ones without 1004, 1005, 1006 and 1015, and
 * 3000–4999 for libraries and applications (RFC 6455 §7.4.2).
 */
export function isSendableCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  if (code >= 1007) return code <= 1014;
  return code >= 1000 && code <= 1003;
}
