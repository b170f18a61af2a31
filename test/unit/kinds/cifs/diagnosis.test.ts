// What doctor says of a trial mount of CIFS that failed: errnos as a kernel of Linux 6.1 gave them against Samba.
import { describe, expect, test } from "vitest";
import type { CauseId } from "../../../../src/kinds/cause-id.ts";
import { cifsDiagnosis } from "../../../../src/kinds/cifs/diagnosis.ts";
import type { FailedTrial, TrialWords } from "../../../../src/kinds/diagnosis.ts";

const { trial } = cifsDiagnosis;
const words = trial as TrialWords;

const share = (options: string, label = "//nas/media", version = "auto") => ({
  label,
  version,
  options: options.split(","),
  secrets: new Map(),
});
const both = { path: "/run/secrets/nas", mode: 0o600, has: ["username", "password"] };

describe("a share does not mount", () => {
  test.each<[string, ReturnType<typeof share>, FailedTrial, CauseId, RegExp]>([
    [
      "as a user who is refused for every share",
      share("credentials=/run/secrets/nas"),
      { errno: "EACCES", telling: "EACCES", file: both },
      "login-refused",
      /refuses the user or the password \(EACCES\).*NFS_PASSWORD_FILE/,
    ],
    [
      "as a user who is refused for this share",
      share("credentials=/run/secrets/nas"),
      { errno: "EACCES", telling: "ENOENT", file: both },
      "login-refused",
      /lets the user in, and not into \/\/nas\/media.*valid users/,
    ],
    [
      "as a user without a password",
      share("credentials=/run/secrets/nas"),
      { errno: "EACCES", telling: "EACCES", file: { ...both, has: ["username"] } },
      "login-refused",
      /\/run\/secrets\/nas has no password/,
    ],
    [
      "in an old version, from a server that may want to encrypt",
      share("credentials=/run/secrets/nas", "//nas/media", "2.1"),
      { errno: "EACCES", telling: "EACCES", file: both },
      "login-refused",
      /encrypted, which version 2\.1 cannot.*remove vers=/,
    ],
    [
      "as a guest",
      share("guest"),
      { errno: "EACCES", telling: "EACCES" },
      "login-refused",
      /lets no guests in.*guest ok/,
    ],
    [
      "as a guest who signs",
      share("guest,sign"),
      { errno: "EACCES", telling: "EACCES" },
      "login-refused",
      /remove sign/,
    ],
    [
      "as a guest who signs by sec=",
      share("guest,sec=ntlmsspi"),
      { errno: "EACCES", telling: "EACCES" },
      "login-refused",
      /remove sign and sec=/,
    ],
    [
      "as a guest, from a share that lets none in",
      share("guest"),
      { errno: "EACCES", telling: "ENOENT" },
      "login-refused",
      /lets guests in, and not into \/\/nas\/media/,
    ],
    ["that is not there", share("guest"), { errno: "ENOENT" }, "not-exported", /no share \/\/nas\/media.*smbclient -L/],
    [
      "with a path that is not in it",
      share("guest", "//nas/media/films/old"),
      { errno: "ENOENT", telling: "" },
      "path-missing",
      /\/\/nas\/media is there, and has no directory \/films\/old/,
    ],
    [
      "with a path, that is not there itself",
      share("guest", "//nas/media/films"),
      { errno: "ENOENT", telling: "ENOENT" },
      "not-exported",
      /no share \/\/nas\/media,/,
    ],
    [
      "in a version that is not spoken",
      share("guest", "//nas/media", "3.1.1"),
      { errno: "EOPNOTSUPP" },
      "version-not-spoken",
      /does not speak version 3\.1\.1.*remove vers=/,
    ],
    [
      "from a server of version 1",
      share("guest"),
      { errno: "EOPNOTSUPP" },
      "version-not-spoken",
      /version 1 of SMB alone/,
    ],
    ["encrypted", share("guest,seal"), { errno: "EOPNOTSUPP" }, "version-not-spoken", /cannot encrypt.*remove seal/],
    ["with Kerberos", share("sec=krb5"), { errno: "EINVAL" }, "kerberos-here", /sec=krb5 needs a server in a domain/],
    ["with Kerberos and no ticket", share("sec=krb5i"), { errno: "ENOKEY" }, "kerberos-here", /cifs\.upcall/],
    ["that holds no files", share("guest"), { errno: "ETIMEDOUT" }, "mount-hangs", /such as a printer/],
    [
      "without its file",
      share("credentials=/run/secrets/nas"),
      { errno: "no-credentials", file: { path: "/run/secrets/nas", errno: "ENOENT" } },
      "credentials-file",
      /the file \/run\/secrets\/nas.* is not there/,
    ],
    [
      "with a directory in place of its file",
      share("credentials=/run/secrets/nas"),
      { errno: "no-credentials", file: { path: "/run/secrets/nas", errno: "EISDIR" } },
      "credentials-file",
      /is a directory, as Docker makes one/,
    ],
    [
      "with a file that it may not read",
      share("credentials=/run/secrets/nas"),
      { errno: "no-credentials", file: { path: "/run/secrets/nas", errno: "EACCES" } },
      "credentials-file",
      /cannot be read \(EACCES\)/,
    ],
    [
      "with a file that names nobody",
      share("credentials=/run/secrets/nas"),
      { errno: "no-credentials", file: { path: "/run/secrets/nas", mode: 0o600 } },
      "credentials-file",
      /names no user/,
    ],
  ])("%s", (_, asked, failed, id, sentence) => {
    const found = words.explain(asked, failed);
    expect(found?.id).toBe(id);
    expect(`${found?.because}; ${found?.change}`).toMatch(sentence);
  });

  test.each(["ELIBACC", "ENODEV", "EKEYEXPIRED", "EINVAL"])("for %s in the words of that errno", (errno) => {
    expect(words.explain(share("guest"), { errno })).toBeUndefined();
  });
});

describe("a second trial tells more", () => {
  test.each([
    ["EACCES", "//nas/media/films", "//nas/nfs-init-asks-for-nothing"],
    ["ENOENT", "//nas/media/films/old", "//nas/media"],
    ["ENOENT", "//nas/media", undefined],
    ["EOPNOTSUPP", "//nas/media", undefined],
  ])("after %s of %s: %s", (errno, label, other) => {
    expect(words.telling(share("guest", label), errno)?.label).toBe(other);
  });
});

describe("what the server grants", () => {
  /** /proc/fs/cifs/DebugData of Linux 6.1, shortened, with a second share. */
  const text = String.raw`
	Shares: 
	0) IPC: \\10.77.0.1\IPC$ Mounts: 1 DevInfo: 0x0 Attributes: 0x0
	tid: 0x33e99ce4	Maximal Access: 0x1f00a9

	1) \\10.77.0.1\Ro Mounts: 1 DevInfo: 0x22 Attributes: 0x1006f
	PathComponentMax: 255 Status: 1 type: DISK Serial Number: 0x9d221032
	tid: 0x424a71d	Optimal sector size: 0x200	Maximal Access: 0x1f00a9

	2) \\10.77.0.1\media Mounts: 1 DevInfo: 0x22 Attributes: 0x1006f
	tid: 0x424a71e	Optimal sector size: 0x200	Maximal Access: 0x1f01ff

	3) \\10.77.0.1\odd Mounts: 1 DevInfo: 0x22 Attributes: 0x1006f

	4) \\10.77.0.1\other Mounts: 1 DevInfo: 0x22 Attributes: 0x1006f
	tid: 0x424a71e	Optimal sector size: 0x200	Maximal Access: 0x1f01ff
`;

  test.each([
    ["//10.77.0.1/ro", false],
    ["//10.77.0.1/media/films", true],
    ["//10.77.0.1/odd", undefined],
    ["//10.77.0.1/none", undefined],
  ])("on %s is to write: %s", (label, may) => {
    expect(words.mayWrite(text, { label })).toBe(may);
  });
});
