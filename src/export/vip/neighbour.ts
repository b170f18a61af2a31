// Tells IPv6 neighbours that an address is here now: an unsolicited neighbour advertisement (RFC 4861 sections 4.4 and 7.2.6).
import { addressBytes } from "./address-bytes.ts";

const advertisementType = 136;
/** The override flag alone: the hardware address that neighbours know is to be replaced. */
const override = 0x20;
const targetHardwareOption = 2;

/** The message of ICMPv6, its checksum left to the kernel. */
export function encodeAdvertisement(address: string, hardware: Uint8Array): Uint8Array {
  const head = [advertisementType, 0, 0, 0, override, 0, 0, 0, ...addressBytes(address)];
  // The option's length counts eights of bytes; hardware without addresses of six bytes has none to tell.
  const option = hardware.byteLength === 6 ? [targetHardwareOption, 1, ...hardware] : [];
  return Uint8Array.from([...head, ...option]);
}
