// How CIFS is mounted: by mount(2) alone, with the password from a file that is read for each call.
import { hasOption, withoutFstabWords } from "../../shares/options.ts";
import { takeFlags } from "../mount-flags.ts";
import type { KernelMount, KindMounting, MountAddresses, MountedShare, MountWay, SecretsFile } from "../mounting.ts";
import { parseCredentials, parsePassword } from "./credentials.ts";
import { classifyErrno } from "./failures.ts";
import { credentialsFile, isForCaller, passwordFile } from "./options.ts";

export const cifsMounting: KindMounting = {
  title: "CIFS",
  ways: waysToMount,
  withHint: (_, failure) => failure,
  modules: ["cifs", "nls_utf8"],
  harmless: { fstype: "cifs", data: "vers=3.0" },
  profileRule: "mount fstype=cifs,",
  options: {
    isAdded: (word) => /^(?:ip|vers)=/.test(word) || word === "username=" || word === "iocharset=utf8",
    hint: () => undefined,
    manual: "mount.cifs(8)",
  },
};

/** One: the kernel finds the newest version that both know by itself, unless the options name one. */
function waysToMount(share: MountedShare, unspoken: readonly string[]): readonly MountWay[] {
  const { version } = share;
  if (unspoken.includes(version)) return [];
  return [
    {
      version,
      helper: undefined,
      call: (addresses) => kernelMount(share, addresses),
      failure: classifyErrno,
    },
  ];
}

/**
 * The call for a share. The kernel wants the address where mount.cifs takes the name, and a user without a name where it takes
 * `guest` (fs/smb/client/fs_context.c).
 */
export function kernelMount(
  { label, options, version }: Pick<MountedShare, "label" | "options" | "version">,
  { server }: Pick<MountAddresses, "server">,
): KernelMount {
  const { flags, others } = takeFlags(withoutFstabWords(options));
  const words = others.filter((option) => !isForCaller(option) && option !== "defaults");
  // What is configured is UTF-8, and so are the names that programs use; a kernel may have another default.
  if (!hasOption(words, "iocharset")) words.push("iocharset=utf8");
  words.push(`ip=${server}`);
  if (version !== "auto") words.push(`vers=${version}`);
  const secretsFile = secretsFileOf(options);
  if (secretsFile === undefined && hasOption(options, "guest")) words.push("username=");
  return {
    source: label,
    fstype: "cifs",
    flags,
    data: words.join(","),
    ...(secretsFile === undefined ? {} : { secretsFile }),
  };
}

function secretsFileOf(options: readonly string[]): SecretsFile | undefined {
  const credentials = credentialsFile(options);
  if (credentials !== undefined) return { path: credentials, parse: parseCredentials, lack: "no-credentials" };
  const password = passwordFile(options);
  return password === undefined ? undefined : { path: password, parse: parsePassword, lack: "no-password" };
}
