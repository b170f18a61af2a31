// A virtual address as it is written in the configuration.
import { isIP } from "../../address.ts";
import { addressBytes, addressText, isHostAddress } from "./address-bytes.ts";

/** `ADDRESS/PREFIX[@DEVICE]`. */
export interface Vip {
  readonly address: string;
  readonly prefixLength: number;
  /** The interface; the one whose network holds the address where it is not given. */
  readonly device?: string;
}

/** Reads `ADDRESS/PREFIX[@DEVICE]`; undefined for what is none, or an address that no interface can have. */
export function parseVip(text: string): Vip | undefined {
  const [, address = "", prefix = "", device] = /^([^/@%]+)\/(\d{1,3})(?:@([^\s/]{1,15}))?$/.exec(text) ?? [];
  const kind = isIP(address);
  const prefixLength = Number(prefix);
  if (kind === 0 || prefixLength === 0 || prefixLength > (kind === 4 ? 32 : 128)) return undefined;
  const bytes = addressBytes(address);
  if (!isHostAddress(bytes)) return undefined;
  return { address: addressText(bytes), prefixLength, ...(device === undefined ? {} : { device }) };
}
