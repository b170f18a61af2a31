// How the parts of a share are called by whoever configured it: NFS_HOST, NFS_2_HOST, or a line of NFS_MOUNTS.
import type { ShareNames } from "../shares/share.ts";
import { exportKeys, shareKeys, variableName, variableRows, variables } from "./variables.ts";

export type ShareKey = (typeof shareKeys)[number];
export type ExportKey = (typeof exportKeys)[number];

/** Which part of which numbered export a variable is: `NFS_2_EXPORT_CLIENTS`; undefined for every other name. */
export function numberedExport(name: string): { readonly number: string; readonly key: ExportKey } | undefined {
  const [, number, rest] = /^NFS_(\d{1,15})_(EXPORT[A-Z_]{0,20})$/.exec(name) ?? [];
  const key = exportKeys.find((one) => variables[one].name === `NFS_${rest}`);
  return number === undefined || key === undefined ? undefined : { number, key };
}

/** Which part of which numbered share a variable is: `NFS_2_HOST`; undefined for every other name. */
export function numberedShare(name: string): { readonly number: string; readonly key: ShareKey } | undefined {
  // No number is longer than an integer can count.
  const [, number, rest] = /^NFS_(\d{1,15})_([A-Z_]{1,20})$/.exec(name) ?? [];
  const key = shareKeys.find((one) => variables[one].name === `NFS_${rest}`);
  return number === undefined || key === undefined ? undefined : { number, key };
}

/** Whether a variable would hold a password itself, which none of ours does. */
export function isPassword(name: string): boolean {
  return /^NFS_(?:\d{1,15}_)?PASSWORD$/.test(name);
}

/** Whether a variable means that there is a share, by its name alone: others only say how one is mounted. */
export function meansShares(name: string): boolean {
  return numberedShare(name) !== undefined || variableRows.some((row) => row.name === name && row.meansShares === true);
}

/** Whether a variable means that something is to be exported, by its name alone. */
export function meansExports(name: string): boolean {
  return name === "NFS_EXPORT" || name.startsWith("NFS_EXPORTS") || numberedExport(name)?.key === "exportPath";
}

const keyOf: ReadonlyMap<string, ShareKey> = new Map(shareKeys.map((key) => [variableName(key), key]));

/** `hint` for one share: where it names a variable, the place where that share's own value stands. */
export function inNamesOf({ names }: { readonly names: ShareNames }, hint: string): string {
  const called: Partial<Record<ShareKey, string>> = names;
  return hint.replaceAll(
    /\b(NFS_(?:HOST_MOUNT|HOST|MOUNT_POINT|VERSION|OPTIONS|USERNAME|PASSWORD_FILE))\b(=?)/g,
    (_, variable: string, equals: string) => {
      const key = keyOf.get(variable);
      const name = (key === undefined ? undefined : called[key]) ?? variable;
      // "set the path in NFS_MOUNTS line 1 to /data"
      return equals === "=" && name.includes(" ") ? `${name} to ` : `${name}${equals}`;
    },
  );
}
