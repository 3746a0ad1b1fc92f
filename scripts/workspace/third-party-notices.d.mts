export function thirdPartyNotices(inputs: Iterable<string>): string;
