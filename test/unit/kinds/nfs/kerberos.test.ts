import { describe, expect, test } from "vitest";
import { classifyErrno, classifyFailure } from "../../../../src/kinds/nfs/failures.ts";
import { withKerberosHint } from "../../../../src/kinds/nfs/kerberos.ts";

const withKerberos = { options: ["hard", "sec=krb5p"] };

describe("a share with Kerberos that fails", () => {
  test.each(["EACCES", "EPERM", "EINVAL", "ERANGE", "ENOKEY", "EKEYEXPIRED", "EKEYREVOKED"])(
    "with %s has the hint what Kerberos needs",
    (errno) => {
      const { hint, reason } = withKerberosHint(withKerberos, classifyErrno(errno));
      expect(hint).toMatch(/sec=krb5p needs rpc\.gssd.*keytab/);
      expect(reason).toBe(classifyErrno(errno).reason);
    },
  );

  test("has that hint too where mount.nfs tells of it", () => {
    const failure = classifyFailure("mount.nfs: access denied by server while mounting nas:/export", 32);
    expect(withKerberosHint(withKerberos, failure).hint).toContain("rpc.gssd");
  });

  test.each(["ECONNREFUSED", "ENODEV", "ENOENT", "EIO"])("with %s keeps the hint that there is", (errno) => {
    expect(withKerberosHint(withKerberos, classifyErrno(errno))).toEqual(classifyErrno(errno));
  });

  test("has no such hint where another flavor is asked for", () => {
    expect(withKerberosHint({ options: ["sec=sys"] }, classifyErrno("EACCES"))).toEqual(classifyErrno("EACCES"));
  });
});
