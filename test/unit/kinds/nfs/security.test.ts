import { describe, expect, test } from "vitest";
import { classifyErrno, classifyFailure } from "../../../../src/kinds/nfs/failures.ts";
import { withSecurityHint } from "../../../../src/kinds/nfs/security.ts";

const withKerberos = { options: ["hard", "sec=krb5p"] };

describe("a share with TLS that fails", () => {
  test.each(["ESRCH", "EPROTONOSUPPORT", "EACCES", "ETIMEDOUT"])("with %s has the hint what TLS needs", (errno) => {
    const { hint, reason } = withSecurityHint({ options: ["xprtsec=tls"] }, classifyErrno(errno));
    expect(hint).toMatch(/xprtsec=tls needs Linux 6\.5 and tlshd.*the server must offer TLS/);
    expect(reason).toBe(classifyErrno(errno).reason);
  });

  test.each(["ECONNREFUSED", "ENODEV", "ENOENT"])("with %s keeps the hint that there is", (errno) => {
    expect(withSecurityHint({ options: ["xprtsec=mtls"] }, classifyErrno(errno))).toEqual(classifyErrno(errno));
  });

  test("has no such hint where it asks for none", () => {
    const failure = classifyErrno("EACCES");
    expect(withSecurityHint({ options: ["xprtsec=none"] }, failure)).toEqual(failure);
  });
});

describe("a share with Kerberos that fails", () => {
  test.each(["EACCES", "EPERM", "EINVAL", "ERANGE", "ENOKEY", "EKEYEXPIRED", "EKEYREVOKED"])(
    "with %s has the hint what Kerberos needs",
    (errno) => {
      const { hint, reason } = withSecurityHint(withKerberos, classifyErrno(errno));
      expect(hint).toMatch(/sec=krb5p needs rpc\.gssd.*keytab/);
      expect(reason).toBe(classifyErrno(errno).reason);
    },
  );

  test("has that hint too where mount.nfs tells of it", () => {
    const failure = classifyFailure("mount.nfs: access denied by server while mounting nas:/export", 32);
    expect(withSecurityHint(withKerberos, failure).hint).toContain("rpc.gssd");
  });

  test.each(["ECONNREFUSED", "ENODEV", "ENOENT", "EIO"])("with %s keeps the hint that there is", (errno) => {
    expect(withSecurityHint(withKerberos, classifyErrno(errno))).toEqual(classifyErrno(errno));
  });

  test("has no such hint where another flavor is asked for", () => {
    expect(withSecurityHint({ options: ["sec=sys"] }, classifyErrno("EACCES"))).toEqual(classifyErrno("EACCES"));
  });
});
