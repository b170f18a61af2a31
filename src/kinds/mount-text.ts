// The options of a mount as mount(2) takes them: the one place where a secret becomes part of a text.
import type { KernelMount } from "./mounting.ts";

/** The text that only the kernel is to see. In a secret a comma is written twice: mount(2) parts its options by commas. */
export function mountText({ data, secrets }: Pick<KernelMount, "data" | "secrets">): string {
  const hidden = [...(secrets ?? [])].map(([name, secret]) => `${name}=${secret.reveal().replaceAll(",", ",,")}`);
  return [data, ...hidden].join(",");
}
