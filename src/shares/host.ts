// A server as it is named in a configuration: what is a name or an address, and what else is taken for one.
import { shown } from "../text/shown.ts";
import { isIP, isIPv6 } from "../address.ts";

/** The limit of mount.nfs (nfs-utils utils/mount/parse_dev.c). */
const longestHost = 255;

/** A server's name or address without brackets, or undefined where it is neither. */
export function parseHost(text: string): string | undefined {
  const bare = /^\[(.*)\]$/.exec(text)?.[1];
  const isAddress = bare === undefined ? isIP(text) !== 0 : isIPv6(bare);
  if (isAddress) return lacksZone(bare ?? text) ? undefined : (bare ?? text);
  const isName = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(text) && !text.includes("..");
  // A name of digits and dots only would be a mistyped address.
  return isName && text.length <= longestHost && !/^[0-9.]+$/.test(text) ? text : undefined;
}

/** A link-local address (fe80::/10), which tells no interface. */
function lacksZone(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(address) && !address.includes("%");
}

/** Where a text is no host: the mistake that it looks like, and the way out. */
export function explainHost(text: string): string | undefined {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (isIPv6(bare) && lacksZone(bare)) {
    return `a link-local address needs the interface it is reached by; add %interface: ${bare}%eth0`;
  }
  if (/[\s,;]/.test(text)) {
    return "it names more than one host; a share has one, and further shares have their own (NFS_2_HOST, NFS_MOUNTS)";
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(text);
  if (scheme !== null) {
    const isNfs = /^nfs/i.test(scheme[1] ?? "");
    return isNfs
      ? "it is an address; give the host alone and its path in NFS_HOST_MOUNT, or the whole as SOURCE in NFS_MOUNTS"
      : `it is an address; give the host alone: ${shown(scheme[2] ?? "")}`;
  }
  if (/^[\\/]{2}/.test(text)) return "it is a CIFS share; give the host alone";
  if (/^[/~.]/.test(text)) return "it is a path; the exported path belongs into NFS_HOST_MOUNT";
  const colon = /^(.*?):(\/.*)$/s.exec(text);
  if (colon !== null) {
    return `it holds a path; write NFS_HOST=${shown(colon[1] ?? "")} and NFS_HOST_MOUNT=${shown(colon[2] ?? "")}`;
  }
  if (text.includes("/")) return "it holds a path, which belongs into NFS_HOST_MOUNT";
  const port = /^[^:]+:(\d{1,5})$/.exec(text)?.[1];
  return port === undefined ? undefined : `it holds a port; write port=${port} in NFS_OPTIONS`;
}
