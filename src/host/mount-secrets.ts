// The text of a mount call with the secrets of a file in it; apart from what is shown of a call.
import { mountText } from "../kinds/mount-text.ts";
import type { KernelMount } from "../kinds/mounting.ts";
import { readText } from "./small-files.ts";

/** The options that only the kernel is to see; undefined where the file of secrets cannot be read, or says nothing of use. */
export function wholeMountText(call: Pick<KernelMount, "data" | "secrets" | "secretsFile">): string | undefined {
  const { data, secrets, secretsFile } = call;
  if (secretsFile === undefined) return mountText(call);
  const read = secretsFile.parse(readText(secretsFile.path) ?? "");
  return read && mountText({ data, secrets: new Map([...(secrets ?? []), ...read]) });
}
