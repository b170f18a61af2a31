// Faults of CIFS made for real with Samba, one at a time: doctor's last sentence names each and what to change.
import { beforeAll, describe, expect, it } from "vitest";
import { quote, server } from "../support/box.ts";
import { everyCombination } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { prepareSamba } from "../support/lab/samba.ts";

interface Fault {
  readonly fault: string;
  /** Lines of smb.conf, and shares. */
  readonly global?: string;
  readonly shares?: string;
  /** Makes it, once the server is up. */
  readonly make?: string;
  readonly share?: string;
  readonly host?: string;
  readonly options?: string;
  /** Of `container`. */
  readonly container?: string;
  /** What an operator must read in the last sentence. */
  readonly says: readonly RegExp[];
  /** 1 unless given: the share does not mount. */
  readonly exitCode?: number;
}

const state = "/lab/state/smb";
const files = `mkdir -p ${state}/directory; printf 'pa,ss' >${state}.password
file() { printf "$2" >${state}/$1; }
file good 'username=app\\npassword=pa,ss\\n'; file wrong 'username=app\\npassword=x\\n'
file stranger 'username=stranger\\npassword=x\\n'; file alone 'username=app\\n'; file nobody 'password=x\\n'`;

const credentials = (name: string) => `credentials=${state}/${name}`;
const good = credentials("good");

const faults: readonly Fault[] = [
  // the way there
  { fault: "a server that is not started", make: "smb_down", says: [/nothing listens on port 445/, /smbd/] },
  { fault: "a machine that is off", host: "10.77.0.99", says: [/no machine answers at 10\.77\.0\.99/] },
  { fault: "a firewall that drops port 445", make: "blackhole srv on 445", says: [/no packet comes back/, /port 445/] },
  { fault: "a name that nobody knows", make: "dns up", host: "nas.example", says: [/nas\.example is not known/] },
  {
    fault: "a port that is not the server's",
    options: "guest,port=4450",
    says: [/nothing listens on port 4450/, /port=/],
  },
  // the service
  {
    fault: "another service on the port",
    make: "smb_down; echo changed >/lab/state/srv; in_ srv busybox nc -ll -p 445 -e echo HTTP/1.1 400 Bad Request </dev/null >/dev/null 2>&1 & disown; pause 0.3",
    says: [/port 445 of 10\.77\.0\.1 does not speak SMB/, /what runs on that port/],
  },
  {
    fault: "a server that does not let this client in",
    global: "hosts deny = 10.77.0.11",
    says: [/refuses this client/, /hosts deny/],
  },
  {
    fault: "a server of version 1",
    global: "server max protocol = NT1\nserver min protocol = NT1",
    says: [/version 1 of SMB alone|closed the connection, as one does that speaks no SMB 2/, /server max protocol/],
  },
  {
    fault: "a version that is too new for the server",
    global: "server max protocol = SMB2_10",
    options: "guest,vers=3.1.1",
    says: [/does not speak version 3\.1\.1/, /remove vers=/],
  },
  {
    fault: "a version that is too old for the server",
    global: "server min protocol = SMB3_11",
    options: "guest,vers=2.1",
    says: [/does not speak version 2\.1/, /remove vers=/],
  },
  { fault: "encryption in an old version", options: "guest,vers=2.1,seal", says: [/cannot encrypt/, /seal/] },
  // who it is
  {
    fault: "a wrong password",
    options: credentials("wrong"),
    says: [/refuses the user or the password/, /NFS_USERNAME/],
  },
  {
    fault: "a user that the server does not know",
    global: "map to guest = Never",
    options: credentials("stranger"),
    says: [/refuses the user or the password/],
  },
  {
    fault: "a user that the server takes for a guest",
    share: "media",
    options: credentials("stranger"),
    says: [/not into \/\/10\.77\.0\.1\/media/, /take unknown users for guests/],
  },
  {
    fault: "a user who may not use the share",
    shares: "[denied]\npath = /srv/exp/smb\nvalid users = other",
    share: "denied",
    options: good,
    says: [/lets the user in, and not into \/\/10\.77\.0\.1\/denied/, /valid users/],
  },
  { fault: "a user without a password", options: credentials("alone"), says: [/has no password/] },
  {
    fault: "a server that takes no guests",
    global: "restrict anonymous = 2",
    shares: "[members]\npath = /srv/exp/smb\nvalid users = app",
    share: "members",
    options: "guest",
    says: [/guests/, /user and a password/],
  },
  { fault: "a guest who is to sign", options: "guest,sign", says: [/nobody can sign as a guest/, /remove sign/] },
  {
    fault: "a server that wants messages encrypted, and a guest",
    global: "smb encrypt = required",
    options: "guest",
    says: [/signed or encrypted, which a guest cannot/],
  },
  {
    fault: "a server that wants messages encrypted, and an old version",
    global: "smb encrypt = required",
    share: "media",
    options: `${good},vers=2.1`,
    says: [/encrypted, which version 2\.1 cannot/, /remove vers=/],
  },
  {
    fault: "Kerberos from a server outside of a domain",
    options: "sec=krb5",
    says: [/domain of Kerberos/, /cifs\.upcall/],
  },
  // the file with the password
  {
    fault: "a file that is not there",
    options: credentials("none"),
    says: [/file \/lab\/state\/smb\/none/, /is not there/],
  },
  { fault: "a directory in its place", options: credentials("directory"), says: [/is a directory/, /bind mount/] },
  { fault: "a file that names nobody", options: credentials("nobody"), says: [/names no user/] },
  // the share
  {
    fault: "a share that is not there",
    share: "nothing",
    says: [/no share \/\/10\.77\.0\.1\/nothing/, /smbclient -L/],
  },
  {
    fault: "a share whose directory is gone",
    shares: "[gone]\npath = /srv/exp/gone\nguest ok = yes",
    share: "gone",
    says: [/directory of that is gone/],
  },
  {
    fault: "a path that is not in the share",
    share: "open/none",
    says: [/\/open is there, and has no directory \/none/],
  },
  { fault: "a path that is a file", share: "open/hello", says: [/no directory \(ENOTDIR\)/] },
  {
    fault: "a printer",
    shares: "[printer]\npath = /srv/exp/smb\nprintable = yes\nguest ok = yes",
    share: "printer",
    says: [/such as a printer/],
  },
  {
    fault: "a share that can only be read",
    shares: "[library]\npath = /srv/exp/smb\nread only = yes\nguest ok = yes",
    share: "library",
    says: [/would mount, but the server lets this user only read/, /read only = no/],
    exitCode: 0,
  },
  // this machine
  { fault: "no CAP_SYS_ADMIN", container: "--drop sys_admin", says: [/CAP_SYS_ADMIN/] },
  { fault: "a user namespace", container: "--userns", says: [/user namespace.* no CIFS mounts/] },
  {
    fault: "a kernel without CIFS",
    make: "echo 'install cifs /bin/false' >/etc/modprobe.d/lab.conf; rmmod cifs",
    says: [/no CIFS client/, /module cifs/],
  },
  { fault: "a character set that is not there", options: "guest,iocharset=nonsense", says: [/iocharset=/, /nls_utf8/] },
  { fault: "an option that the kernel does not know", options: "guest,colour=red", says: [/option colour=red/] },
];

describe.runIf(everyCombination)("doctor names", () => {
  beforeAll(prepareSamba);
  const { lab } = kernelSuite();
  beforeAll(async () => {
    await lab().sh(files);
  });

  it.each(faults)("$fault", async (fault) => {
    const { global = "", shares = "", make = ":", share = "open", host = server, options = "guest" } = fault;
    const { container = "", says, exitCode = 1 } = fault;
    await lab().sh(`modprobe cifs; . /lab/guest/samba.sh; smb_down
SMB_GLOBAL=${quote(global)} SMB_SHARES=${quote(shares)} smb_up; smb_wait; ${make}`);
    const line = quote(`//${host}/${share} /data cifs ${options}`);
    const job = await lab().run(`NFS_MOUNTS=${line} container c1 --name box ${container} -- nfs-init doctor`);
    const sentence = job.stdout.trim().split("\n").at(-1) ?? "";
    for (const phrase of says) expect(sentence, job.stdout + job.stderr).toMatch(phrase);
    expect(sentence).toMatch(/^[^\n]+\.$/);
    expect(job.exitCode).toBe(exitCode);
    expect(job.stdout).not.toContain("pa,ss");
  });

  it("nothing where the share would be mounted, whoever else may read the password", async () => {
    await lab().sh(`modprobe cifs; . /lab/guest/samba.sh; smb_down; smb_up; smb_wait`);
    const line = quote(`//${server}/media /data cifs ${good}`);
    const { stdout, exitCode } = await lab().run(`NFS_MOUNTS=${line} container c1 --name box -- nfs-init doctor`);
    expect(stdout).toMatch(/would mount: nothing was found that is in the way\.$/m);
    expect(stdout).toMatch(/ok +writable +the server lets this user write/);
    expect(exitCode).toBe(0);
  });
});
