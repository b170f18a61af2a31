// Internet addresses as text: what is one, and of which kind.

/** 4 or 6 for an address, 0 for anything else; an IPv6 one may have a zone (`fe80::1%eth0`, RFC 4007 section 11). */
export function isIP(text: string): 0 | 4 | 6 {
  if (isIPv4(text)) return 4;
  return isIPv6(text) ? 6 : 0;
}

/** Four decimal numbers up to 255, without leading zeros, which some read as octal. */
export function isIPv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** Eight groups of hexadecimal digits, one run of zeros of which may be `::`, the last two perhaps as IPv4 (RFC 4291 section 2.2). */
export function isIPv6(text: string): boolean {
  const [address = "", ...zones] = text.split("%");
  if (zones.length > 1 || (zones.length === 1 && !/^[^\s/%]+$/.test(zones[0] ?? ""))) return false;
  const halves = address.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1) ?? "";
  const endsAsIPv4 = last.includes(".") && halves.at(-1) !== "";
  if (endsAsIPv4 && !isIPv4(last)) return false;
  const words = endsAsIPv4 ? groups.slice(0, -1) : groups;
  const count = words.length + (endsAsIPv4 ? 2 : 0);
  return words.every((word) => /^[0-9a-f]{1,4}$/i.test(word)) && (halves.length === 2 ? count < 8 : count === 8);
}
