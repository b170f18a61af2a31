// How doctor looks at CIFS: is the service there, and what the kernel says to a trial mount and to another that tells more.
import { hasOption, optionValue } from "../../shares/options.ts";
import type { CauseId } from "../cause-id.ts";
import type { Diagnosis, FailedTrial, KindDiagnosis } from "../diagnosis.ts";
import type { MountedShare } from "../mounting.ts";

const account = "correct them (NFS_USERNAME and NFS_PASSWORD_FILE, or the file of the option credentials)";
const firewall = "let TCP port 445 from this client through every firewall on the way";
const path = "or correct its path";

export const cifsDiagnosis: KindDiagnosis = {
  steps: "service",
  changes: {
    "port-refused": "start the file server there (smbd, or file sharing of Windows), or correct the host or port=",
    "host-silent": firewall,
    "port-rejected": firewall,
    "service-not-ready": "see what runs on that port, and that SMB 2 is on there (server max protocol)",
    "read-only-export": "let the user write on the server (read only = no), or put ro into the options",
  },
  trial: { telling, explain, rightsFile: "/proc/fs/cifs/DebugData", mayWrite },
};

/** Parts of `//host/share/path`. */
function partsOf(label: string): { readonly root: string; readonly host: string; readonly below: string } {
  const [, host = "", name = "", below = ""] = /^(\/\/[^/]+)(\/[^/]+)(.*)$/s.exec(label) ?? [];
  return { host, root: `${host}${name}`, below };
}

/** A user who is refused for a share that no server has is refused as a user; a path that is not there lies in a share that may be. */
function telling(share: MountedShare, errno: string): MountedShare | undefined {
  const { host, root, below } = partsOf(share.label);
  if (errno === "EACCES") return { ...share, label: `${host}/nfs-init-asks-for-nothing` };
  return errno === "ENOENT" && below !== "" ? { ...share, label: root } : undefined;
}

function explain(share: MountedShare, failed: FailedTrial): Diagnosis | undefined {
  const { options, version, label } = share;
  const { errno } = failed;
  const found = (id: CauseId, because: string, change: string): Diagnosis => ({
    id,
    because: `${because} (${errno})`,
    change,
  });
  switch (errno) {
    case "no-credentials":
    case "no-password":
      return failed.file && fileCause(failed.file);
    case "EACCES":
      return found("login-refused", ...refused(share, failed));
    case "ENOENT": {
      const { root, below } = partsOf(label);
      return failed.telling === ""
        ? found("path-missing", `the share ${root} is there, and has no directory ${below}`, `make it, ${path}`)
        : found(
            "not-exported",
            `the server has no share ${root}, or the directory of that is gone`,
            "correct the share's name (smbclient -L lists those there are), or share it there",
          );
    }
    case "EOPNOTSUPP": {
      const id = "version-not-spoken";
      if (hasOption(options, "seal"))
        return found(id, "version or server cannot encrypt, which seal asks for", "remove vers=, or remove seal");
      if (version === "auto")
        return found(id, "the server speaks version 1 of SMB alone", "turn SMB 2 or 3 on there (server max protocol)");
      return found(id, `the server does not speak version ${version} of SMB`, "remove vers=");
    }
    case "EINVAL":
    case "ENOKEY": {
      const security = optionValue(options, "sec") ?? "";
      if (!security.startsWith("krb5")) return undefined;
      return found(
        "kerberos-here",
        `sec=${security} needs a server in a domain of Kerberos, and cifs.upcall and a ticket on this host`,
        "see to these, or use a user and a password",
      );
    }
    case "ETIMEDOUT":
      return found(
        "mount-hangs",
        "mount(2) does not end, as with a share without files, such as a printer",
        "name a share of files, or look at the server's log",
      );
    default:
      return undefined;
  }
}

/** Why the server lets the user not in, or not into the share, and what to change. */
function refused({ options, version, label }: MountedShare, { telling: asked, file }: FailedTrial): [string, string] {
  const isKnown = asked === "ENOENT";
  if (hasOption(options, "guest")) {
    const change = "name a user and a password, or let guests in on the server (guest ok = yes)";
    if (isKnown) return [`the server lets guests in, and not into ${label}`, change];
    if (hasOption(options, "sign") || (optionValue(options, "sec") ?? "").endsWith("i"))
      return ["nobody can sign as a guest, which the options ask for", "remove sign and sec="];
    return ["the server lets no guests in, or wants messages signed or encrypted, which a guest cannot", change];
  }
  if (isKnown) {
    return [
      `the server lets the user in, and not into ${label}`,
      "let the user into it there (valid users, permissions), or correct the user: some servers take unknown users for guests",
    ];
  }
  if (file?.has !== undefined && !file.has.includes("password"))
    return [`the server refuses the user, and ${file.path} has no password`, "add it in a line of its own"];
  const who = "the server refuses the user or the password";
  return version.startsWith("2")
    ? [`${who}, or wants messages encrypted, which version ${version} cannot`, `${account}, or remove vers=`]
    : [who, account];
}

/** What is wrong with a file of secrets. */
function fileCause({ path: file, errno, has }: NonNullable<FailedTrial["file"]>): Diagnosis {
  const found = (what: string, change: string): Diagnosis => ({
    id: "credentials-file",
    because: `the file ${file}, which is to say who the share is mounted as, ${what}`,
    change,
  });
  if (errno === "ENOENT" || errno === "ENOTDIR") return found("is not there", `give the container the secret, ${path}`);
  if (errno === "EISDIR")
    return found("is a directory, as Docker makes one for a bind mount of a missing file", `make the file, ${path}`);
  if (errno !== undefined) return found(`cannot be read (${errno})`, "let root of this container read it");
  return found(
    has === undefined ? "names no user, or no password" : "cannot be used",
    "write user and password into it, a line each as mount.cifs(8) has them; for NFS_PASSWORD_FILE the password alone",
  );
}

/** FILE_WRITE_DATA and FILE_APPEND_DATA ([MS-SMB2] 2.2.13.1.1). */
const writing = 0x6;

/** What the server grants on the share, as the kernel writes it beside the share's name (fs/smb/client/cifs_debug.c). */
function mayWrite(text: string, { label }: Pick<MountedShare, "label">): boolean | undefined {
  const name = `\\\\${partsOf(label).root.slice(2).replace("/", "\\")} Mounts:`.toLowerCase();
  const at = text.toLowerCase().indexOf(name);
  if (at === -1) return undefined;
  const granted = /^(?:(?! Mounts: )[^])*?Maximal Access: (0x[\da-f]+)/i.exec(text.slice(at + name.length))?.[1];
  return granted === undefined ? undefined : (Number(granted) & writing) !== 0;
}
