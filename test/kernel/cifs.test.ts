// Shares of Samba: mounted by the kernel's own client of CIFS, with passwords that nobody sees.
import { beforeAll, expect, it } from "vitest";
import { logged, logLines, quote, server } from "../support/box.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { prepareSamba } from "../support/lab/samba.ts";

/** What parts options, lines and words elsewhere. */
const password = `se,cret "quoted" 'x' %ä=`;
const credentials = "/lab/state/smb.credentials";

const samba = ". /lab/guest/samba.sh";

beforeAll(prepareSamba);
const { lab, box } = kernelSuite();
beforeAll(async () => {
  await lab().sh(`modprobe cifs
printf %s ${JSON.stringify(password).replaceAll("`", "\\`")} >/lab/state/smb.password
printf 'username=app\\npassword=%s\\n' "$(cat /lab/state/smb.password)" >${credentials}
printf 'username=app\\npassword=wrong\\n' >${credentials}.wrong`);
});

const mounts = (source: string, options: string) => ({
  NFS_MOUNTS: `//${server}/${source} ${box().mountPoint()} cifs ${options}`,
});

it("a share is mounted with a password of any characters, which no process, file or log has", async () => {
  await lab().sh(`${samba}; smb_up`);
  const job = box().start({
    env: mounts("media", `credentials=${credentials}`),
    command: `cat ${box().mountPoint()}/hello; grep -c ' cifs ' /proc/self/mountinfo
cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/self/mountinfo /proc/mounts ${box().fstabPath} | tr '\\0' '\\n' | grep -c 'se[,]cret'
cp ${box().mountPoint()}/hello ${box().mountPoint()}/copy; cat /run/nfs-init/* 2>/dev/null | grep -c 'se[,]cret'`,
  });
  const { exitCode, stdout, stderr } = await job.done;
  expect(logLines(stderr).find(({ level }) => level === "fatal")).toBeUndefined();
  expect([exitCode, stdout.trim().split("\n")]).toEqual([1, ["hello", "1", "0", "0"]]);
});

it("a server that comes late is waited for", async () => {
  await lab().sh(`${samba}; smb_down || :`);
  const job = box().start({
    env: mounts("open", "guest"),
    command: `cat ${box().mountPoint()}/hello`,
  });
  await logged(job, "waiting for the server", ({ reason }) => reason?.includes("port 445") === true);
  await lab().sh(`${samba}; smb_up`);
  expect(await job.done).toMatchObject({ exitCode: 0, stdout: "open\n" });
});

it.each([
  ["a wrong password", "media", `credentials=${credentials}.wrong`, "EACCES"],
  ["a share that is not there", "nothing", "guest", "ENOENT"],
  ["a file of credentials that is not there", "media", "credentials=/lab/state/none", "credentials"],
])("%s ends it at once, and is said", async (_, share, options, reason) => {
  await lab().sh(`${samba}; smb_up`);
  const { exitCode, stderr } = await box().run({ env: mounts(share, options) });
  expect(exitCode).toBe(32);
  expect(stderr).toContain(reason);
});

it.each([
  ["a wrong password", "media", `credentials=${credentials}.wrong`, /refuses the user or the password/],
  ["a share that is not there", "nothing", "guest", /no share \/\/10\.77\.0\.1\/nothing/],
  ["a file of credentials that is not there", "media", "credentials=/lab/state/none", /none, which .* is not there/],
  ["an option that the kernel does not know", "open", "guest,colour=red", /option colour=red/],
])("doctor names %s", async (_, share, options, sentence) => {
  await lab().sh(`${samba}; smb_up`);
  const [[name, value] = ["", ""]] = Object.entries(mounts(share, options));
  const { exitCode, stdout } = await lab().run(
    `${name}=${quote(value)} container c1 --name box -- nfs-init doctor --json`,
  );
  expect((JSON.parse(stdout) as { readonly verdict: string }).verdict).toMatch(sentence);
  expect(exitCode).toBe(1);
});

it("doctor finds nothing in the way of a share that would mount, and shows no password", async () => {
  await lab().sh(`${samba}; smb_up`);
  const [[name, value] = ["", ""]] = Object.entries(mounts("media", `credentials=${credentials}`));
  const { exitCode, stdout } = await lab().run(
    `${name}=${quote(value)} container c1 --name box -- nfs-init doctor --json`,
  );
  expect(JSON.parse(stdout)).toMatchObject({ wouldMount: true });
  expect(stdout).not.toContain("cret");
  expect(exitCode).toBe(0);
});

it("doctor names a server that is not there", async () => {
  await lab().sh(`${samba}; smb_down || :`);
  const [[name, value] = ["", ""]] = Object.entries(mounts("open", "guest"));
  const { stdout } = await lab().run(`${name}=${quote(value)} container c1 --name box -- nfs-init doctor --json`);
  expect((JSON.parse(stdout) as { readonly verdict: string }).verdict).toMatch(
    /nothing listens on port 445 of 10\.77\.0\.1/,
  );
});
