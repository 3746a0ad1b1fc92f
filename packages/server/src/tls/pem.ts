/** The PEM blocks of one label in a text (RFC 7468), each with its lines. */
export function splitPem(text: string, label: string): string[] {
  const block = new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`, "g");
  return [...text.matchAll(block)].map(([match]) => `${match}\n`);
}
