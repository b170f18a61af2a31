import { holdsSecret, redact } from "../../../src/text/secrets.ts";
import { describe, expect, test } from "vitest";

describe("a secret", () => {
  test.each([
    ["password=geheim"],
    ["hard,password=geheim,nolock"],
    ["PASSWORD=geheim"],
    ["pass=geheim"],
    ["passwd=geheim"],
    ["smbpassword=geheim"],
    ["passphrase=geheim"],
    ["nfs://user:geheim@nas/data"],
    ["nfs://nas/data?password=geheim&vers=3"],
    // cifs(5) has a second one, for a password that is being changed.
    ["password2=geheim"],
    // Blanks and a quoted comma are part of a password as well.
    ["password = geheim"],
    ["password=a geheim"],
    ['password="a,geheim",hard'],
    // Not every password is free of what parts an address.
    ["nfs://user:ge@heim:geheim@nas/data"],
    ["nfs://user:a/geheim@nas/data"],
    ["//host:1//user:geheim@nas"],
    // Other names for it.
    ["pw=geheim"],
    ["hard,pwd=geheim"],
    ["cred=geheim"],
    ["credentials=/run/geheim"],
    ["credential=geheim"],
    ["token=geheim"],
    ["access_token=geheim"],
    ["client-secret=geheim"],
    ["secret=geheim"],
    ["api_key=geheim"],
    ["username=x%geheim"],
    ["user=x%geheim,hard"],
    ["username=x%25geheim"],
    ["ro,username=DOMAIN/x%geheim"],
    // Wherever it stands.
    ["user:geheim@x"],
    ['NFS_STATE_DIR="user:geheim@x"'],
    ["unknown option '--foo=user:geheim@x'"],
    ["--foo=password= geheim"],
    [String.raw`pass\167ord=geheim`],
    ["%70assword=geheim"],
  ])("is taken out of %s", (text) => {
    expect(holdsSecret(text)).toBe(true);
    expect(redact(text)).not.toContain("geheim");
  });

  test.each([
    "hard,nolock",
    "nas:/data /mnt/data nfs hard",
    "nfs://nas:2049/data",
    "nfs://nas:2049/data@a:b@c",
    "nfs://[2001:db8::1]:2049/data@x:y@z",
    "bypass",
    "/mnt/password",
    "/mnt/token",
    "sec=krb5p",
    "tokenring=1",
    "secretary=me",
    "credit=1",
    "user=x,hard",
    "username=x",
    "user,x-a=5%",
    "[fe80::1%eth0]:/a@b",
    "nas:/snap@2026-01-01:x",
    "nas:/a /mnt/a:b@c",
    "context=system_u:object_r:nfs_t:s0",
    "=%a",
  ])("is not seen in %s", (text) => {
    expect(holdsSecret(text)).toBe(false);
    expect(redact(text)).toBe(text);
  });
});

describe("a long text", () => {
  // Twice what one variable can hold. What takes the square of its length takes minutes, and runs into the test's time limit.
  const length = 262_144;

  test.each([
    "//:",
    ":",
    "/",
    "//",
    "///:",
    "//[",
    "//[:",
    "@",
    ":@",
    "@:",
    "a:",
    "=",
    " =",
    "= ",
    "pass",
    "pass =",
    "password",
    "user=",
    "user=x",
    "username= ",
    "%",
    "%25",
    "%2",
    "\\",
    "\\0",
    String.raw`\057`,
    " ",
    "\t\n",
    ",",
    "a",
    "a.",
    "//a:1/",
    "//a:1/x:",
  ])("of nothing but %j is looked through in one pass", (part) => {
    const text = part.repeat(Math.ceil(length / part.length));
    for (const one of [text, `x${text}`, `${text}x`, `//${text}`, `a:${text}`, `${text}=`]) holdsSecret(one);
  });
});
