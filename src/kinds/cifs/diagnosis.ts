// How doctor looks at CIFS: is the service there, and what the kernel says to a trial mount and to another that tells more.
import { hasOption, optionValue } from "../../shares/options.ts";
import type { Diagnosis, FailedTrial, KindDiagnosis } from "../diagnosis.ts";
import type { MountedShare } from "../mounting.ts";

const account =
  "correct the user and the file with the password (NFS_USERNAME and NFS_PASSWORD_FILE, or the file of the option credentials), or the user on the server";
const firewall = "let TCP port 445 from this client through the firewall of the server and on the way";

export const cifsDiagnosis: KindDiagnosis = {
  steps: "service",
  changes: {
    "port-refused":
      "start the file server there (smbd, or file sharing of Windows), or correct the host or port= of the share",
    "host-silent": `check the address, that the server is up; ${firewall}`,
    "port-rejected": firewall,
    "service-not-ready":
      "see what runs on that port, and that SMB 2 or newer is on at the server (server max protocol)",
    "read-only-export":
      "let the user write on the server (read only = no, write list; permissions of the share in Windows), or put ro into the share's options",
  },
  trial: { telling, explain, rightsFile: "/proc/fs/cifs/DebugData", mayWrite },
};

/** Parts of `//host/share/path`. */
function partsOf(label: string): { readonly root: string; readonly host: string; readonly path: string } {
  const [, host = "", name = "", path = ""] = /^(\/\/[^/]+)(\/[^/]+)(.*)$/s.exec(label) ?? [];
  return { host, root: `${host}${name}`, path };
}

/** A user who is refused for a share that no server has is refused as a user; a path that is not there lies in a share that may be. */
function telling(share: MountedShare, errno: string): MountedShare | undefined {
  const { host, root, path } = partsOf(share.label);
  if (errno === "EACCES") return { ...share, label: `${host}/nfs-init-asks-for-nothing` };
  return errno === "ENOENT" && path !== "" ? { ...share, label: root } : undefined;
}

function explain(share: MountedShare, failed: FailedTrial): Diagnosis | undefined {
  const { options, version, label } = share;
  const security = optionValue(options, "sec") ?? "";
  switch (failed.errno) {
    case "no-credentials":
    case "no-password":
      return failed.file && fileCause(failed.file);
    case "EACCES":
      return refused(share, failed);
    case "ENOENT":
      return missing(label, failed.telling);
    case "EOPNOTSUPP":
      return {
        id: "version-not-spoken",
        because: hasOption(options, "seal")
          ? "the server cannot encrypt, which seal in the options asks for and version 3.0 of SMB brings (EOPNOTSUPP)"
          : version === "auto"
            ? "the server speaks version 1 of SMB alone, which is not safe and not supported (EOPNOTSUPP)"
            : `the server does not speak version ${version} of SMB, which vers= in the options asks for (EOPNOTSUPP)`,
        change:
          version === "auto"
            ? "turn SMB 2 or 3 on at the server (server max protocol), or remove seal"
            : "remove vers=, so that both agree on the newest that they know",
      };
    case "EINVAL":
    case "ENOKEY":
      if (!security.startsWith("krb5")) return undefined;
      return {
        id: "kerberos-here",
        because: `sec=${security} needs a server in a domain of Kerberos, and cifs.upcall and a ticket on this host (${failed.errno})`,
        change: `see that the server offers Kerberos, install cifs-utils and keyutils on the host and get a ticket (kinit), or use a user and a password`,
      };
    case "ETIMEDOUT":
      return {
        id: "mount-hangs",
        because: `mount(2) does not end although the server answers, as with a share that holds no files, such as a printer (ETIMEDOUT)`,
        change: "name a share of files, or look at the server's load and log",
      };
    default:
      return undefined;
  }
}

/** The server lets the user not in, or not into the share. */
function refused({ options, version, label }: MountedShare, { telling: asked, file }: FailedTrial): Diagnosis {
  const isKnown = asked === "ENOENT";
  const isSigned = hasOption(options, "sign") || (optionValue(options, "sec") ?? "").endsWith("i");
  if (hasOption(options, "guest")) {
    return {
      id: "login-refused",
      because: isKnown
        ? `the server lets guests in, and not into ${label} (EACCES)`
        : isSigned
          ? "the options ask for signed messages, which nobody can sign as a guest (EACCES)"
          : "the server lets no guests in, or wants messages signed or encrypted, which a guest cannot (EACCES)",
      change:
        isSigned && !isKnown
          ? "remove sign and sec= from the options, or name a user and a password"
          : "name a user and a password, or let guests in on the server (guest ok = yes, map to guest)",
    };
  }
  if (isKnown) {
    return {
      id: "share-forbidden",
      because: `the server lets the user in, and not into ${label} (EACCES)`,
      change:
        "let the user use the share on the server (valid users, permissions of its directory), or correct the user: some servers take unknown users for guests",
    };
  }
  if (file?.has !== undefined && !file.has.includes("password")) {
    return {
      id: "login-refused",
      because: `the server refuses the user, and ${file.path} has no password (EACCES)`,
      change: "add a line with the password to it, as mount.cifs(8) has it",
    };
  }
  const isOld = version.startsWith("2");
  return {
    id: "login-refused",
    because: `the server refuses the user or the password${isOld ? `, or wants messages encrypted, which version ${version} cannot` : ""} (EACCES)`,
    change: isOld ? `${account}; or remove vers=` : account,
  };
}

/** No such share, or no such path in it. */
function missing(label: string, asked: string | undefined): Diagnosis {
  const { root, path } = partsOf(label);
  if (asked === "") {
    return {
      id: "path-missing",
      because: `the share ${root} is there, and has no directory ${path} (ENOENT)`,
      change: "make the directory, or correct the path behind the share's name",
    };
  }
  return {
    id: "not-exported",
    because: `the server has no share ${root}, or the directory of that is gone there (ENOENT)`,
    change: "correct the share's name (smbclient -L lists those of a server), or share it on the server",
  };
}

/** What is wrong with a file of secrets. */
function fileCause({ path, errno, has }: SecretsFile): Diagnosis {
  const id = "credentials-file";
  const file = `the file ${path}, which is to say who the share is mounted as,`;
  if (errno === "ENOENT" || errno === "ENOTDIR") {
    return {
      id,
      because: `${file} is not there`,
      change: "give the container the file or the secret, or correct its path",
    };
  }
  if (errno === "EISDIR") {
    return {
      id,
      because: `${file} is a directory, as Docker makes one for a bind mount of a file that is not there`,
      change: "make the file on the host and the container anew, or correct its path",
    };
  }
  if (errno !== undefined) {
    return { id, because: `${file} cannot be read (${errno})`, change: "let root of this container read it" };
  }
  return {
    id,
    because: `${file} ${has === undefined ? "names no user, or no password" : "cannot be used"}`,
    change:
      "write user and password into it, a line each, as mount.cifs(8) has them, or the password alone for NFS_PASSWORD_FILE",
  };
}

type SecretsFile = NonNullable<FailedTrial["file"]>;

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
