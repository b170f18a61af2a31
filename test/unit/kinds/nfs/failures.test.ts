import { classifyErrno, classifyFailure, reachOf } from "../../../../src/kinds/nfs/failures.ts";
import type { MountFailure } from "../../../../src/kinds/failure.ts";
import { describe, expect, test } from "vitest";
import fixture from "../../../fixtures/mount-nfs-errors.json" with { type: "json" };

type Meaning = Omit<MountFailure, "reason" | "hint" | "cause">;

const transient: Meaning = { prospect: "transient" };
const unreachable: Meaning = { prospect: "transient", unreachable: true };
const ambiguous: Meaning = { prospect: "ambiguous" };
const unsupported: Meaning = { prospect: "unsupported" };
const permanent: Meaning = { prospect: "permanent" };
/** Which one is found out then. */
const refusedOption: Meaning = { prospect: "permanent", option: true };
const hopeless: Meaning = { prospect: "permanent", everyVersion: true };
const look: Meaning = { prospect: "look" };

/** What each errno of mount(2) means, as mount.nfs words it. */
const byErrno: Readonly<Record<string, Meaning>> = {
  // A server that is still exporting says these as well.
  EACCES: ambiguous,
  ENOENT: ambiguous,
  EPERM: ambiguous,
  // May come with a module or a newer server.
  ENODEV: unsupported,
  EPROTONOSUPPORT: unsupported,
  EOPNOTSUPP: unsupported,
  // Another version may take the option; the text does not say which.
  EINVAL: refusedOption,
  ENOTDIR: hopeless,
  ENAMETOOLONG: hopeless,
  EBUSY: look,
  ECONNREFUSED: unreachable,
  EHOSTUNREACH: unreachable,
  EHOSTDOWN: unreachable,
  ENETUNREACH: unreachable,
  ETIMEDOUT: unreachable,
  EAGAIN: unreachable,
  ECONNRESET: transient,
  ESTALE: transient,
  EIO: transient,
  EFAULT: transient,
  ENOMEM: transient,
  EINTR: transient,
  EREMOTEIO: transient,
  EKEYEXPIRED: transient,
  ENOKEY: transient,
  EMFILE: transient,
  EEXIST: transient,
  EROFS: transient,
  EPROTO: transient,
  ENOSPC: transient,
  EDQUOT: transient,
  ENOTCONN: transient,
  EADDRINUSE: transient,
  ENOBUFS: transient,
  EOVERFLOW: transient,
  EUSERS: transient,
  EXDEV: transient,
  EPIPE: transient,
};

/** Without its words, which each caller looks at for itself. */
function meaningOf(stderr: string): Meaning {
  const { reason: _, hint: __, cause: ___, ...meaning } = classifyFailure(stderr, 32);
  return meaning;
}

describe("mount.nfs' text", () => {
  test.each(fixture.byErrno)("for $errno", ({ errno, stderr }) => {
    expect(byErrno).toHaveProperty(errno);
    expect(meaningOf(stderr)).toEqual(byErrno[errno]);
  });

  test.each(fixture.byErrno)("for $errno is kept in its own words, in one line", ({ stderr }) => {
    const { reason } = classifyFailure(stderr, 32);
    expect(reason).not.toMatch(/\n|mount\.nfs: |please report/);
    expect(`mount.nfs: ${reason}\n`).toBe(stderr.replace(/mount\.nfs: please report.*\n/, ""));
  });

  /** Errnos whose text goes through the template of each release; "default" is strerror(3)'s. */
  const templated: Readonly<Record<string, Meaning>> = { ...byErrno, default: unreachable };
  test.each(fixture.templates)("of release $release for $errno: $template", ({ errno, template }) => {
    const fillings =
      template.includes("is not a directory") || template.includes("does not exist") ? "/mnt/data" : "nas:/export";
    const rest = errno === "ENOENT" ? "No such file or directory" : "Connection refused";
    let slots = 0;
    const text = template.replaceAll("%s", () => {
      slots += 1;
      if (slots === 1) return "mount.nfs";
      // The last slot of these is an errno's text, or the second of "%s: %s for %s on %s".
      if (/%s: %s(?: for %s on %s)?$/.test(template) && slots === 2) return rest;
      return template.endsWith("given by server: %s") && slots === 3 ? rest : fillings;
    });
    let meaning = templated[errno];
    if (template.includes("does not exist")) meaning = hopeless;
    // EPROTO's second line is strerror's text, here that of ECONNREFUSED.
    if (errno === "EPROTO" && template === "%s: %s") meaning = unreachable;
    expect(meaningOf(`${text}\n`)).toEqual(meaning);
  });

  test.each<[string, Meaning]>([
    ["no version given, server speaks none", permanent],
    ["no version given, connection refused", permanent],
    ["no version given, timeout", unreachable],
    ["ENOENT on v4 without version", permanent],
    ["EACCES without version", permanent],
    ["EPERM without version", permanent],
    ["version 4 minor fallback", unsupported],
  ])("of a whole negotiation: %s", (name, meaning) => {
    const negotiation = fixture.negotiation.find((one) => one.name === name);
    expect(meaningOf(negotiation?.stderr ?? "")).toEqual(meaning);
  });

  test("of every negotiation is looked at above", () => {
    expect(fixture.negotiation).toHaveLength(7);
  });

  test.each<[string, Meaning]>([
    ["mount.nfs 127.0.0.1:/x", hopeless],
    ["mount.nfs 127.0.0.1:/x /mnt/x", unsupported],
    ["mount.nfs4 127.0.0.1:/x /mnt/x", unsupported],
    ["mount.nfs nohost.invalid:/x /mnt/x -o retry=0", unreachable],
    ["mount.nfs 127.0.0.1 /mnt/x -o retry=0", hopeless],
    ["mount.nfs [::1:/x /mnt/x", hopeless],
    ["mount.nfs [::1]/x /mnt/x", hopeless],
    ["mount.nfs nfs://127.0.0.1/x /mnt/x", hopeless],
    ["mount.nfs 127.0.0.1:/x /no/such/dir -o retry=0", hopeless],
    ["mount.nfs 127.0.0.1:/x /mnt/file -o retry=0", hopeless],
    ["mount.nfs 127.0.0.1:/x /mnt/x -o retry=0,vers=9", transient],
    ["mount.nfs 127.0.0.1:/x /mnt/x -o retry=0,vers=3", permanent],
    ["mount.nfs 127.0.0.1:/x /mnt/x -o retry=0,vers=3,nolock", unreachable],
    ["mount.nfs 127.0.0.1:/x /mnt/x -o retry=0,proto=foo", refusedOption],
    ["mount.nfs 127.0.0.1:/x /mnt/x -o retry=0,proto=tcp6", permanent],
    ["mount.nfs 127.0.0.1:/x /mnt/x -o retry=0,vers=3,vers=4", refusedOption],
    ["mount.nfs 127.0.0.1,127.0.0.2:/x /mnt/x -o retry=0,vers=4.2", unsupported],
  ])("of %s", (command, meaning) => {
    const captured = fixture.captured.find((one) => one.command === command);
    expect(captured).toBeDefined();
    expect(meaningOf(captured?.stderr ?? "")).toEqual(meaning);
  });

  test("of every captured command is looked at above", () => {
    expect(fixture.captured).toHaveLength(17);
  });

  test.each<[string, Meaning]>([
    ["mount.nfs: Failed to resolve server nas: Temporary failure in name resolution", unreachable],
    ["mount.nfs: Failed to resolve server nas: Name or service not known", unreachable],
    ["mount.nfs: Network is unreachable", unreachable],
    ["mount.nfs: portmap query retrying: RPC: Program not registered", transient],
    ["mount.nfs: Connection reset by peer", transient],
    ["mount.nfs: Stale file handle", transient],
    ['mount.nfs: not installed setuid - "user" NFS mounts not supported.', hopeless],
    ["mount.nfs: failed to apply fstab options", hopeless],
    ["mount.nfs: access denied by server while mounting nas:/export", ambiguous],
    ["mount.nfs: mounting nas:/export failed, reason given by server: No such file or directory", ambiguous],
    ["mount.nfs: unknown filesystem type 'nfs'", unsupported],
    ["mount.nfs: something nobody has seen before", transient],
  ])("of other releases and settings: %s", (stderr, meaning) => {
    expect(meaningOf(stderr)).toEqual(meaning);
  });

  test.each<[string, Meaning]>([
    ["access denied by server while mounting nas:/No such device", ambiguous],
    ["access denied by server while mounting nas:/bad option", ambiguous],
    ["mounting nas:/Operation not permitted failed, reason given by server: No such file or directory", ambiguous],
    ["mounting nas:/timed out failed, reason given by server: No such file or directory", ambiguous],
  ])("is not mistaken for another because of the exported path: %s", (text, meaning) => {
    expect(meaningOf(`mount.nfs: ${text}\n`)).toEqual(meaning);
  });

  test("of a prospect that an operator must act on comes with what to check", () => {
    for (const { errno, stderr } of fixture.byErrno) {
      const { prospect, hint } = classifyFailure(stderr, 32);
      if (prospect === "ambiguous" || prospect === "unsupported") expect(hint, errno).toBeDefined();
    }
    expect(
      classifyFailure("mount.nfs: rpc.statd is not running but is required for remote locking.", 32).hint,
    ).toContain("nolock");
  });

  test("that is not there leaves the exit code", () => {
    expect(classifyFailure("", 32)).toEqual({ prospect: "transient", reason: expect.stringContaining("32") as string });
    expect(classifyFailure("\n \n", 16).reason).toContain("16");
  });

  test("of several lines becomes one, without the helper's name", () => {
    const { reason } = classifyFailure("mount.nfs4: one\nmount.nfs: two\n\numount.nfs: three\n", 32);
    expect(reason).toBe("one; two; three");
  });
});

describe("an errno of mount(2)", () => {
  test.each(Object.keys(byErrno))("means what mount.nfs' text for it means: %s", (errno) => {
    const { reason: _, hint: __, cause, ...meaning } = classifyErrno(errno);
    expect(meaning).toEqual(byErrno[errno]);
    expect(cause).toBe(errno);
  });

  test.each(Object.keys(byErrno))("is named in the reason: %s", (errno) => {
    const { reason } = classifyErrno(errno);
    expect(reason.match(/\bE[A-Z0-9]+\b/g)).toEqual([errno]);
    expect(reason).not.toContain("\n");
  });

  test.each([
    ["EACCES", "access denied by server (EACCES)"],
    ["ENOENT", "reason given by server: No such file or directory (ENOENT)"],
    ["EBUSY", "busy or already mounted (EBUSY)"],
    ["EREMOTEIO", "mount(2): EREMOTEIO"],
    ["ENOKEY", "mount(2): ENOKEY"],
  ])("%s is worded: %s", (errno, reason) => {
    expect(classifyErrno(errno).reason).toBe(reason);
  });

  test.each([
    ["EACCES", "exportfs"],
    ["ENOENT", "fsid=0"],
    ["EPERM", "secure"],
    ["ENODEV", "modules"],
    ["EPROTONOSUPPORT", "NFS_VERSION"],
    ["EOPNOTSUPP", "NFS_VERSION"],
    ["EINVAL", "NFS_OPTIONS"],
    ["ENOTDIR", "directory"],
  ])("that an operator must act on comes with what to check: %s", (errno, hint) => {
    expect(classifyErrno(errno).hint).toContain(hint);
  });
});

describe("the cause of a failure", () => {
  test.each([
    ["mount.nfs: access denied by server while mounting nas:/export", "EACCES"],
    ["mount.nfs: mounting nas:/export failed, reason given by server: No such file or directory", "ENOENT"],
    ["mount.nfs: Protocol not supported", "EPROTONOSUPPORT"],
    ["mount.nfs: unknown filesystem type 'nfs'", "ENODEV"],
    ["mount.nfs: an incorrect mount option was specified for /mnt", "EINVAL"],
    ["mount.nfs: /mnt is busy or already mounted", "EBUSY"],
    ["mount.nfs: Connection timed out", "ETIMEDOUT"],
    ["mount.nfs: rpc.statd is not running but is required for remote locking.", "no-statd"],
    ["mount.nfs: Failed to resolve server nas: Name or service not known", "unresolved"],
    ["mount.nfs: something nobody has seen before", undefined],
  ])("is a value, whatever the words are: %s", (stderr, cause) => {
    expect(classifyFailure(stderr, 32).cause).toBe(cause);
  });

  // They sort the mounts of a trial: the one that got furthest speaks.
  test.each([
    ["ENODEV", "EPROTONOSUPPORT"],
    ["EPROTONOSUPPORT", "EINVAL"],
    ["ERANGE", "ECONNREFUSED"],
    ["EIO", "EACCES"],
    ["ETIMEDOUT", "ESTALE"],
  ])("%s is met before %s is", (nearer, further) => {
    expect(reachOf(nearer)).toBeLessThan(reachOf(further));
  });
});

describe("a text of a helper that has no end", () => {
  // What takes the cube of its length takes minutes, and runs into the test's time limit.
  test.each(["mount point ", "mount spec ", "mount spec or point ", "Failed to find '", "mount.nfs: ", " ", "\n"])(
    "and is nothing but %j is read in time",
    (part) => {
      expect(classifyFailure(part.repeat(Math.ceil(400_000 / part.length)), 32).prospect).toBe("transient");
    },
  );
});
